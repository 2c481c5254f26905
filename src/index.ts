/**
 * FLEET-Q: a brokerless, durable task queue for fleets that share nothing but a database.
 *
 * @module fleet-q
 */
export { FleetQ } from './fleetq.js';
export type {
  AnyFleetQ,
  FleetQConstructor,
  StepOf,
  StepsOf,
  SubmitInput,
  Submitted,
  SubmitUnion,
} from './queue-interface.js';
export type { CancelResult, RetryResult } from './client/step-commands.js';
export type { StepFilter, StepListing, StepPage } from './client/step-listing.js';
export type { WaitOptions } from './client/wait-options.js';
export {
  FleetQError,
  PermanentFailureError,
  RetryLaterError,
  StepCancelledError,
  StepFailedError,
  StepNotFoundError,
  StoppedError,
  StoreError,
  SubmitIncompleteError,
  ValidationError,
  WaitTimeoutError,
  type ErrorCode,
} from './errors.js';
export {
  EVENT_NAMES,
  type AnySteps,
  type ArgsOf,
  type EventName,
  type BriefPayload,
  type EventPayloads,
  type ExchangeCompleted,
  type HeartbeatCompleted,
  type PodDead,
  type PodEvent,
  type PodAsleep,
  type PodAwake,
  type PodFenced,
  type RecoverySummary,
  type ResultOf,
  type StepCancelled,
  type StepCompleted,
  type StepEvent,
  type StepFailed,
  type StepLost,
  type StepReleased,
  type StepRetrying,
  type StepStarted,
  type StepSubmitted,
  type StepTimedOut,
  type StoreThrottled,
} from './events.js';
export type { Health, HealthReason } from './fleet/health.js';
export type { RecoveryOptions } from './fleet/recovery.js';
export {
  consoleLogger,
  messageFirst,
  type LogFormat,
  type Logger,
  type LogLevel,
  type MessageFirstLogger,
} from './log.js';
export type { FleetQOptions } from './options.js';
export type { Runtime, Timer, TimerOptions } from './runtime/runtime.js';
export { stopOnSignals, type StopOnSignalsOptions } from './signals.js';
export type { PodReport } from './pod-report.js';
export type { LeaderReport, QueueStats, StatsOptions } from './stats.js';
export { defineStep, type SchemaInput, type SchemaOutput } from './step/definition.js';
export type { ErrorFields } from './step/error-fields.js';
export type { SerializedError } from './step/serialized-error.js';
export type { ChildOptions, ReleaseOptions, StepContext } from './step/handler-context.js';
export type { IsJson, JsonGuard } from './step/json.js';
export type { RetryPolicy } from './step/retry.js';
export type { CompletedStep, FailedStep, Metadata, Step, StepStatus, StepWithoutResult } from './step/step.js';
export type { StepInput, SubmitOptions } from './step/step-input.js';
export type { ReleaseReason } from './step/decide-transition.js';
export type {
  AnyDefinition,
  ArgsThenOptions,
  NoneTwice,
  NotYet,
  OptionsOfEach,
  StepDefinition,
  StepId,
  StepsIn,
  StepTypeOptions,
} from './step/type-map.js';
export type {
  Finding,
  FindingLevel,
  PacingReport,
  StatusCounts,
  StoreFactory,
  SubmitReceipt,
  ThrottleReason,
} from './store/contract.js';
export type { TraceCarrier } from './step/carrier.js';
export type { CallHandler, RunOutcome, RunTrace } from './tracing/run-trace.js';
export type { SubmitTrace, TracedReceipt } from './tracing/submit-trace.js';
export { VERSION } from './version.js';
