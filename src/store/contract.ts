/**
 * What a store must do: the interface between the queue and a database. `test/conformance` checks a store against it.
 *
 * The methods of a store are in two parts: {@link StepStore} (steps and claims) and {@link FleetStore} (pods). This
 * file adds opening, closing, and the properties that the rest of the library has to know.
 *
 * Invariants, for every method:
 * - **A call may be repeated.** The caller chooses all ids and tokens before the first try. If a reply does not come,
 *   the caller reads, or sends the same call again. A call that rejects may have been applied or not.
 * - **The check is part of the statement that writes.** That statement compares status, claim token and version. A read
 *   before it is never enough.
 * - **The store's clock decides.** Arguments and results are durations, not points in time. The exceptions are a user's
 *   `runAt`, and the instants that are only shown (`createdAt`, `updatedAt`, and the `runAt` of a record or a claim).
 *   These are epoch ms of the real world, as far as the store knows it. If the wall clock is corrected, a step with a
 *   `runAt` follows it, and an instant that has been shown once stays the same.
 * - **A read may be late** by {@link Store.staleReadMs}. A write always sees the newest row. If a read does not show a
 *   row, the row may still exist.
 * - **A newer version of the library may have migrated the data**, even while the store is open. From then on `submit`,
 *   `cancel`, `retry`, `prune` and `register` reject with `STORE_SCHEMA_NEWER`, and `exchange` claims nothing. Settling
 *   and leaving still work. A store may notice late: within a minute, or within `staleReadMs` + 5 s if that is longer.
 * - **A call that fails rejects with a `StoreError`.** Its `transient` says whether a repeat may succeed.
 *   `STORE_REFUSED` means that a value of this call cannot be stored; see {@link isRefusal}. `STORE_CLOSED` means that
 *   the store is closed.
 */
import type { Log } from '../log.js';
import type { Runtime } from '../runtime/runtime.js';
import type { ThrottleReason } from './contract/exchange.js';
import type { StoreDiagnosis } from './contract/diagnosis.js';
import type { FleetStore } from './contract/fleet.js';
import type { StepStore } from './contract/steps.js';

export { fenceKey, type Claim, type Fence, type FreshClaim, type Orphan, type PodRef } from './contract/claim.js';
export type { Finding, FindingLevel, StoreDiagnosis } from './contract/diagnosis.js';
export type {
  ClaimRequest,
  ExchangeReply,
  ExchangeRequest,
  Pace,
  Receipt,
  Settlement,
  ThrottleReason,
} from './contract/exchange.js';
export {
  isLive,
  isSilent,
  type FleetStore,
  type FleetView,
  type Heartbeat,
  type PodRegistration,
  type PodView,
} from './contract/fleet.js';
export { isRefusal } from './contract/is-refusal.js';
export { isStoreError } from './contract/is-store-error.js';
export type { StatusCounts, StoreStats } from './contract/stats.js';
export type {
  CancelledStep,
  CancelReceipt,
  EndedQuery,
  EndedReply,
  ListFilter,
  ListPage,
  PruneReply,
  RetryReceipt,
  StepAt,
  StepIds,
  StepRecord,
  StepStore,
  SubmitReceipt,
} from './contract/steps.js';

/** A store: SQLite in a file, or Snowflake. */
export interface Store extends StepStore, FleetStore {
  /** Names the kind of store in logs and events: `sqlite`, `snowflake`. */
  readonly name: string;
  readonly rhythm: Rhythm;
  /**
   * The longest time, in ms, for which a read may miss what another session or handle has committed. A session always
   * reads its own commits. If it is 0, a read shows everything that was committed before it was sent.
   */
  readonly staleReadMs: number;
  /**
   * A value that changes with every change of a step, by any process. It costs less than any other read: waiters and
   * idle pods compare it with the last one, and query the steps only if it has changed. It may also change although no
   * step has changed.
   */
  pulse(): Promise<string>;
  /** How idle pods sleep. Absent: they never do, because an idle pod costs this store nothing. */
  readonly sleep?: SleepRhythm;
  /**
   * How many steps there are, as an opaque value, as cheap as {@link Store.pulse} and independent of it. A pod that sleeps
   * compares it now and then with what its last read has seen. Only a store with {@link Store.sleep} has it.
   */
  census?(): Promise<string>;
  /** How the exchanges of this pod are paced, for people; absent if the store does not pace them. */
  readonly pacing?: PacingReport;
  /**
   * Calls `onChange` soon after another process has changed something, and sometimes although nothing has changed. It
   * is only a hint: a store that cannot notice changes never calls it. Nothing that it starts keeps the process alive.
   *
   * @returns a function that ends the watch; it may be called more than once
   */
  watch(onChange: () => void): () => void;
  /**
   * Connects, and creates or migrates the schema. Calls at the same time share one attempt. After a success, a further
   * call does nothing.
   *
   * @throws StoreError such as `STORE_UNAVAILABLE`, `STORE_ACCESS_DENIED`, `STORE_SCHEMA_NEWER`
   */
  open(): Promise<void>;
  /**
   * Examines the store: what it depends on, how it is set, and what it will run out of. Works on a store that is not
   * open, and does not open it.
   *
   * Guarantees: it rejects only if the store is closed; a check that cannot be made is a finding that says so. Nothing is created, migrated or
   * changed. Each check is bounded in time. No finding holds a secret, and no two have the same `check`.
   */
  diagnose(): Promise<StoreDiagnosis>;
  /**
   * Waits for the calls that are open, then frees everything. A store whose calls can hang waits a few seconds at most,
   * and then rejects the calls that are still open with `STORE_UNAVAILABLE`. Every later call rejects with
   * `STORE_CLOSED`. May be called again; a closed store does not open again.
   */
  close(): Promise<void>;
}

/** The intervals and sizes that suit the cost of a store, in ms: the defaults of the options of the same names. */
export interface Rhythm {
  readonly heartbeatIntervalMs: number;
  readonly deadAfterMs: number;
  readonly recoveryIntervalMs: number;
  /**
   * The interval between two exchanges of a pod whose slots are all busy. It is also the first interval of an idle pod,
   * which then grows.
   */
  readonly claimIntervalMs: number;
  /** The longest interval between two exchanges of an idle pod. */
  readonly idleIntervalMs: number;
  /** The interval between two polls for awaited steps. */
  readonly waitIntervalMs: number;
  /** The most steps in one call of `submit`. */
  readonly submitBatch: number;
  /** How long the heartbeat interval is at least for each pod of the fleet. Default 0: it does not depend on the fleet. */
  readonly heartbeatPerPodMs?: number;
}

/** When a pod falls asleep, and what it asks while it sleeps, in ms. */
export interface SleepRhythm {
  /** A pod falls asleep after two quiet exchanges that are at least this far apart. Longer than any read can be late. */
  readonly quietForMs: number;
  /** Between two calls of {@link Store.pulse}. */
  readonly pollIntervalMs: number;
  /** Between two calls of {@link Store.census}. */
  readonly checkIntervalMs: number;
  /** Between two exchanges. They are at multiples of this on the wall clock, so that the pods of a fleet make them together. */
  readonly lookIntervalMs: number;
}

/** How the exchanges of a pod are paced. Times are in ms. */
export interface PacingReport {
  /** `direct`: each exchange is an UPDATE of its own. `log`: the pods log their requests, and one UPDATE serves many. */
  readonly path: 'direct' | 'log';
  /** The interval between two exchanges that the store asks for; 0: none. */
  readonly intervalMs: number;
  /** The interval between two exchanges of an idle pod. */
  readonly idleIntervalMs: number;
  /** How many pods have exchanged through the log within the last minute. */
  readonly activePods: number;
  /** How long an UPDATE takes this pod, with its wait for the lock. */
  readonly updateMs: number;
  /** How long an exchange holds a slot of the warehouse; `null` if it is not known yet. */
  readonly slotMs: number | null;
  /** By how much refusals have lengthened the interval: 1 to 3. */
  readonly ease: number;
  /** Why the interval is longer than the pod would make it; `null` if it is not. */
  readonly throttled: ThrottleReason | null;
}

/** What a store gets from the queue. */
export interface StoreEnvironment {
  /** Clocks, timers, randomness and ids. A store uses no others. */
  readonly runtime: Runtime;
  readonly log: Log;
}

/** The result of `sqlite(…)` and `snowflake(…)`. It makes the store when the queue has an environment for it. */
export interface StoreFactory {
  /** Names the kind of store in logs and events: `sqlite`. */
  readonly name: string;
  /**
   * Makes a store that is not open yet. It may be asynchronous, so that the driver is loaded only if the store is used.
   */
  create(environment: StoreEnvironment): Store | Promise<Store>;
}
