/**
 * `fleet-q/store`: the contract of a store, for authors of a store for another database. Types only.
 *
 * A queue gets its store as a {@link StoreFactory}: `new FleetQ({ store })`. {@link Store} and its two parts say what
 * each method must do. A store fails with a `StoreError`, which `fleet-q` exports. Before version 1.0 the contract may change in a minor version.
 *
 * @module fleet-q/store
 */
export type { Log, LogFields, LoggedError } from './log.js';
export type { Runtime, Timer, TimerOptions } from './runtime/runtime.js';
export type { StepRow } from './step/read-step.js';
export type { StepStatus } from './step/step.js';
export type { NewStep } from './step/submission.js';
export type { Transition } from './step/decide-transition.js';
export type {
  CancelledStep,
  CancelReceipt,
  Claim,
  ClaimRequest,
  EndedQuery,
  EndedReply,
  ExchangeReply,
  ExchangeRequest,
  Fence,
  Finding,
  FindingLevel,
  Pace,
  PacingReport,
  SleepRhythm,
  ThrottleReason,
  FleetStore,
  FleetView,
  FreshClaim,
  Heartbeat,
  ListFilter,
  ListPage,
  Orphan,
  PodRef,
  PodRegistration,
  PodView,
  PruneReply,
  Receipt,
  RetryReceipt,
  Rhythm,
  Settlement,
  StatusCounts,
  StepAt,
  StepIds,
  StepRecord,
  StepStore,
  Store,
  StoreDiagnosis,
  StoreEnvironment,
  StoreFactory,
  StoreStats,
  SubmitReceipt,
} from './store/contract.js';
