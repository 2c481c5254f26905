/**
 * What a store must do. The doc comments here are the law; `test/conformance` checks a store against them.
 *
 * - **Every call may be repeated.** Whoever calls chooses the ids and tokens before the first try; the answer to an
 *   unknown outcome is to look, or to send the same again. A call that rejects may or may not have happened.
 * - **Every guard stands on the target row**: status, claim token and version, checked where the row is written.
 * - **Everything shared is judged by the store's clock.** Durations cross this seam. Instants do not, but for a user's
 *   `runAt`, and those that are only shown (`createdAt`, `updatedAt`, `runAt` of a record or a claim). Both are instants of
 *   the real world, as far as the store knows it: a step with `runAt` follows the wall clock when it is put right, and what
 *   has been shown once is shown the same after that.
 * - **A newer version may have migrated the data past what this one may write**, also while it is open. Then `submit`,
 *   `cancel`, `retry`, `prune` and `register` reject with `STORE_SCHEMA_NEWER`, and an exchange claims nothing; it settles,
 *   and a pod can leave. A store may notice late, but within a minute, or within `staleReadMs` + 5 s if that is longer.
 * - A call that cannot go through rejects with a `StoreError`; `transient` says whether trying again may help.
 */
import type { Log } from '../log.js';
import type { Runtime } from '../runtime/runtime.js';
import type { StepRow } from '../step/step-row.js';
import type { StepStatus } from '../step/step.js';
import type { NewStep } from '../step/submission.js';
import type { Transition } from '../step/transition.js';
import type { Claim, Fence, PodRef } from './contract/claim.js';
import type { FleetStore } from './contract/fleet.js';

export { fenceKey, type Claim, type Fence, type Orphan, type PodRef } from './contract/claim.js';
export { isRefusal } from './contract/refusal.js';
export { isLive, isSilent } from './contract/fleet.js';
export type { FleetStore, FleetView, Heartbeat, PodRegistration, PodView } from './contract/fleet.js';

/** A step's row as a store reads it: texts are exact JSON, instants are epoch ms of the real world. */
export interface StepRecord extends StepRow {
  readonly claimedIncarnation: string | null;
}

/** A transition under the fence of the claim that it ends. */
export interface Settlement extends Fence, Transition {}

/**
 * What became of a settlement. `settled`: the row carries it, and it is this incarnation's (also when an earlier try of
 * the same settlement did it). `cancelled`: the step was cancelled while claimed. `lost`: the claim was no longer held;
 * nothing was changed. A store whose reads may be late answers none of them by a read that may be from before.
 */
export type Receipt = 'settled' | 'cancelled' | 'lost';

/** What a pod wants to claim. */
export interface ClaimRequest {
  /** Names the claims that will be taken; fresh for every exchange. */
  readonly token: string;
  /** Slots that are free now. */
  readonly free: number;
  /** How many more to hold ahead; of these none may have crashed a pod. */
  readonly prefetch: number;
  /** Whether one step that crashed pods twice or more may be among the `free`. */
  readonly quarantine: 0 | 1;
  /**
   * The types that are wanted, and of each at most so many; `Infinity`: as many as there is room for. A `Map`, because a
   * type may have any name. Never changed once it was sent: a store may keep by it what it has derived from it.
   */
  readonly types: ReadonlyMap<string, number>;
}

export interface ExchangeRequest {
  readonly pod: PodRef;
  readonly settlements: readonly Settlement[];
  /** Absent: only settle. */
  readonly claim?: ClaimRequest;
  /** The token of an earlier exchange whose reply was lost: what stands claimed under it comes back in `claims`. */
  readonly readBack?: string;
}

export interface ExchangeReply {
  /** One for each settlement, in their order; and the claims in the order in which they should start. */
  readonly receipts: readonly Receipt[];
  readonly claims: readonly Claim[];
  /** When the next pending step of the wanted types is due, in ms; 0: there are due ones left; `null`: none is known. */
  readonly nextDueInMs: number | null;
  /** How the store wants to be asked: wait at least so many ms before the next exchange, and bring and take at most so many steps. */
  readonly pace: { readonly waitMs: number; readonly batch: number };
}

/** `mismatch`: the step exists with another payload, and was left alone. Without unique keys two may be told `created`. */
export type SubmitReceipt = 'created' | 'duplicate' | 'mismatch';

/** A step at a version that the caller has read. */
export interface StepAt {
  readonly stepId: string;
  readonly version: number;
}

/** `changed`: the row is no longer at the version that was read; read again. */
export type CancelReceipt = 'cancelled' | 'alreadyTerminal' | 'notFound' | 'changed';
/**
 * `retried`: the row has begun again from the version that was read. `notRetryable`: it has neither failed nor been
 * cancelled.
 * `changed`: the row has failed or been cancelled once more since, or a late read does not show yet where it is; read
 * again. So a resend may retry a step twice, if it fails in between. The answer `retried` there could lose a command: the
 * version that the caller read may be older than the command.
 */
export type RetryReceipt = 'retried' | 'notRetryable' | 'notFound' | 'changed';

export interface ListFilter {
  /** Any of these; absent: all. */
  readonly statuses?: readonly StepStatus[];
  readonly types?: readonly string[];
  readonly claimedBy?: string;
  /** In the order of creation, or the newest first. */
  readonly order: 'oldest' | 'newest';
  /** The page after the one that ended with this cursor; opaque. */
  readonly after?: string;
  readonly limit: number;
}

export interface ListPage {
  readonly steps: readonly StepRecord[];
  /** Where the next page begins; `null`: this was the last. */
  readonly next: string | null;
}

/** Ids of steps: a `Set`, or the keys of a `Map`. */
export interface StepIds {
  readonly size: number;
  has(stepId: string): boolean;
  keys(): Iterable<string>;
}

/** What `ended` is asked. */
export interface EndedQuery {
  readonly awaited: StepIds;
  /** `cursor` of the last reply; `null`: from now on. What ended before is for `find` to tell. */
  readonly since: string | null;
}

export interface EndedReply {
  /** Awaited steps that have ended. Some may have been answered before. */
  readonly steps: readonly StepRecord[];
  /** Opaque; pass it with the next question. */
  readonly cursor: string;
  /**
   * Whether every awaited step was looked at: one that is still awaited and not among `steps` is then open, or `gone`.
   * `false`: one that ended by other means than this library's, or is gone, may be missing; `find` tells.
   */
  readonly complete: boolean;
  /** Awaited steps that there are not; only where `complete`. */
  readonly gone: readonly string[];
}

/** A step that somebody cancelled. */
export interface CancelledStep {
  readonly stepId: string;
  /** For how long it has been cancelled, on the store's clock. */
  readonly agoMs: number;
}

/** How many steps there are of each status. */
export type StatusCounts = Readonly<Record<StepStatus, number>>;

export interface StoreStats {
  readonly byStatus: StatusCounts;
  readonly byType: Readonly<Record<string, StatusCounts>>;
  /** Pending steps by priority. */
  readonly pendingByPriority: Readonly<Record<string, number>>;
  /** Pending steps that are due now. */
  readonly due: number;
  /** For how long the oldest of them has been due, in ms; `null`: none is. */
  readonly oldestDueMs: number | null;
}

export interface PruneReply {
  readonly removed: number;
  /** Whether another piece is waiting. */
  readonly more: boolean;
}

/** The steps' half of a store. */
export interface StepStore {
  /**
   * Adds steps, durably: when it resolves they survive the death of any process. Idempotent by `stepId`. One call is
   * atomic (Snowflake: each megabyte of it); callers pass at most {@link Rhythm.submitBatch} steps.
   */
  submit(steps: readonly NewStep[]): Promise<readonly SubmitReceipt[]>;
  /**
   * The pool's one conversation: applies the settlements, each under its fence, then claims what is due. Order: priority
   * descending, then due time, then the order of submission, a batch in its own order. `free` before `prefetch`; of steps with one crash none is prefetched, of
   * those with two or more at most `quarantine` are taken. No step is ever given to two.
   */
  exchange(request: ExchangeRequest): Promise<ExchangeReply>;
  /** Applies settlements alone; recovery's. `pod` is written as who settled. */
  settle(pod: PodRef, settlements: readonly Settlement[]): Promise<readonly Receipt[]>;
  /** The steps of these ids, in no order; unknown ones are left out. */
  find(stepIds: readonly string[]): Promise<readonly StepRecord[]>;
  /**
   * Of the steps that are waited for, those that have ended since the last look. What it costs depends on how many steps
   * ended, not on how many are awaited, where the store can arrange that.
   */
  ended(query: EndedQuery): Promise<EndedReply>;
  /** Of these steps, those that were cancelled, and how long ago. */
  cancelled(stepIds: readonly string[]): Promise<readonly CancelledStep[]>;
  list(filter: ListFilter): Promise<ListPage>;
  stats(): Promise<StoreStats>;
  /** Makes pending or claimed steps terminal, each at the version that was read. A repeat under the same token answers the same. */
  cancel(token: string, steps: readonly StepAt[]): Promise<readonly CancelReceipt[]>;
  /** Makes failed or cancelled steps pending again, due now, with fresh counts, each at the version that was read. */
  retry(steps: readonly StepAt[]): Promise<readonly RetryReceipt[]>;
  /** Removes one piece of the terminal steps that ended longer than `keepMs` ago, and of incarnations long final. */
  prune(retention: { readonly keepMs: number }): Promise<PruneReply>;
}

/** Intervals that fit a store's cost: the defaults of the options of the same names. All in ms. */
export interface Rhythm {
  readonly heartbeatIntervalMs: number;
  readonly deadAfterMs: number;
  readonly recoveryIntervalMs: number;
  /** Between exchanges while there is work but no slot for it, and the first step of the idle back-off. */
  readonly claimIntervalMs: number;
  /** The longest pause between exchanges of an idle pod. */
  readonly idleIntervalMs: number;
  /** Between two questions of waiters. */
  readonly waitIntervalMs: number;
  /** The most steps in one call of `submit`. */
  readonly submitBatch: number;
}

/** A store: Snowflake in production, SQLite embedded. */
export interface Store extends StepStore, FleetStore {
  /** A word for logs and events: `sqlite`, `snowflake`. */
  readonly name: string;
  readonly rhythm: Rhythm;
  /**
   * How late, at most, a read may show what another session or handle has committed, in ms. Its own commits a session
   * sees at once. 0: a read shows what is committed when it is asked.
   */
  readonly staleReadMs: number;
  /** A value that moves with every change of the steps, whoever made it; cheap to read. */
  pulse(): Promise<string>;
  /**
   * Calls `onChange` soon after other processes changed something; now and then also for nothing. A store that cannot
   * tell never calls. Returns what ends it. Nothing that it starts keeps the process alive.
   */
  watch(onChange: () => void): () => void;
  /** Connects and brings the schema up to date. Concurrent and repeated calls are one. */
  open(): Promise<void>;
  /**
   * Waits for what is under way, then lets everything go. A store whose calls may hang waits for some seconds at most;
   * whoever is still waiting then is told `STORE_UNAVAILABLE`. Idempotent; a closed store does not open again.
   */
  close(): Promise<void>;
}

/** What a store is made with. */
export interface StoreEnvironment {
  readonly runtime: Runtime;
  readonly log: Log;
}

/** What `sqlite(…)` and `snowflake(…)` return: how to make a store, once the queue knows its surroundings. */
export interface StoreFactory {
  /** A word for logs and events: `sqlite`. */
  readonly name: string;
  /**
   * May be asynchronous, so that a store of which nothing is used loads nothing.
   *
   * @hidden the contract of a store is not yet an interface for others to build on
   */
  create(environment: StoreEnvironment): Store | Promise<Store>;
}
