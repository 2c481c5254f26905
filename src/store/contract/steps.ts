/**
 * The methods of a store for steps: submit, claim, settle, read, change and prune them. Those for pods are in
 * `fleet.ts`.
 */
import type { StepRow } from '../../step/read-step.js';
import type { StepStatus } from '../../step/step.js';
import type { NewStep } from '../../step/submission.js';
import type { PodRef } from './claim.js';
import type { ExchangeReply, ExchangeRequest, Receipt, Settlement } from './exchange.js';
import type { StoreStats } from './stats.js';

/** The row of a step. Its texts are the exact JSON that was stored. */
export interface StepRecord extends StepRow {
  /** The incarnation that holds the step, or that held it last. */
  readonly claimedIncarnation: string | null;
}

/**
 * The reply to one submitted step. `mismatch`: a step of this id exists with another payload; it was left as it is. The
 * trace context, the last key `trace` of a payload, does not count: payloads that differ in it alone are the same. On
 * a store without unique keys, two callers that submit the same step at once may both get `created`; there is one step.
 */
export type SubmitReceipt = 'created' | 'duplicate' | 'mismatch';

/** A step, at the version that the caller has read. */
export interface StepAt {
  readonly stepId: string;
  readonly version: number;
}

/** `changed`: the row is no longer at the version that the caller read. Read it and try again. */
export type CancelReceipt = 'cancelled' | 'alreadyTerminal' | 'notFound' | 'changed';

/**
 * - `retried`: the step has started over from the version that the caller read.
 * - `notRetryable`: the step has neither failed nor been cancelled.
 * - `changed`: the step has failed or been cancelled again since that version, or a late read does not show its state
 *   yet. Read it and try again. A repeat may therefore retry a step twice, if it fails in between. The store cannot
 *   reply `retried` instead: the caller may have read a version from before its command, and the command would be
 *   dropped.
 */
export type RetryReceipt = 'retried' | 'notRetryable' | 'notFound' | 'changed';

export interface ListFilter {
  /** Any of these; absent: all. */
  readonly statuses?: readonly StepStatus[];
  /** Any of these; absent: all. */
  readonly types?: readonly string[];
  /** The `podId` of the holder; absent: any, or none. */
  readonly claimedBy?: string;
  /** The earliest `createdAt`, in epoch ms; absent: any. */
  readonly createdFrom?: number;
  /** Every `createdAt` is before this, in epoch ms; absent: any. */
  readonly createdBefore?: number;
  /** By creation. `newest` is exactly the reverse of `oldest`. */
  readonly order: 'oldest' | 'newest';
  /** `next` of the page before; absent: the first page. */
  readonly after?: string;
  readonly limit: number;
}

export interface ListPage {
  readonly steps: readonly StepRecord[];
  /** The opaque cursor of the next page; `null` if this is the last one. It stays valid if its step is removed. */
  readonly next: string | null;
}

/** Ids of steps: a `Set`, or a `Map` with the ids as keys. */
export interface StepIds {
  readonly size: number;
  has(stepId: string): boolean;
  keys(): Iterable<string>;
}

export interface EndedQuery {
  /** It may change while the store works on the query. */
  readonly awaited: StepIds;
  /** `cursor` of the last reply; `null` to begin now. Use `find` for the steps that ended earlier. */
  readonly since: string | null;
}

export interface EndedReply {
  /** Awaited steps that have ended since. Some may have been in an earlier reply. */
  readonly steps: readonly StepRecord[];
  /** Opaque: `since` of the next query. */
  readonly cursor: string;
  /**
   * Whether every awaited step was examined. `true`: an awaited step that is in neither `steps` nor `gone` has not
   * ended. `false`: `steps` may miss a step that ended by other means than this library, and `gone` is empty; use
   * `find`.
   */
  readonly complete: boolean;
  /** Awaited steps that the store does not have, or does not show yet. */
  readonly gone: readonly string[];
}

export interface CancelledStep {
  readonly stepId: string;
  /** How long ago the step was cancelled, by the store's clock. */
  readonly agoMs: number;
}

export interface PruneReply {
  readonly removed: number;
  /** Whether there is more to remove. */
  readonly more: boolean;
}

/** The steps' part of a store. */
export interface StepStore {
  /**
   * Adds steps, due at once, after `delayMs`, or at `runAt`.
   *
   * Guarantees: when it resolves, the steps survive the death of any process. A step that exists already is never
   * changed or started again, whatever its state. One call is atomic (on Snowflake: each megabyte of it). Identical
   * steps of one call are one step. A repeat makes no second step, even if the first try is applied after it.
   *
   * @param steps at most {@link Rhythm.submitBatch}
   * @returns one receipt for each step, in their order
   * @throws StoreError `STORE_REFUSED` if one of the steps cannot be stored; submit the others without it
   */
  submit(steps: readonly NewStep[]): Promise<readonly SubmitReceipt[]>;
  /**
   * Applies settlements, then claims steps that are due. A pod makes one exchange at a time.
   *
   * Guarantees: each settlement is applied under its fence, at most once. No step is claimed by two incarnations. Steps
   * are claimed by priority (highest first), then by due time, then in the order of submission, a batch in its own
   * order; `free` is filled before `prefetch`. A step with one crash is not claimed ahead, and of the steps with two
   * crashes or more at most `quarantine` are claimed. An incarnation that has left or was evicted gets no claims.
   *
   * If the reply does not come, the exchange may still be applied, now or later, once or twice. A repeat of a
   * settlement then gets the same receipt. Claims are found by `readBack`, or by the next heartbeat. A store
   * remembers the last settlement of a step at least: a repeat may get `lost` once another claim of the step has been settled.
   * One whose exchange is several statements remembers more, because others may settle the step before the receipt is read.
   *
   * @throws StoreError `STORE_REFUSED` if one of the settlements cannot be stored; send the others without it
   */
  exchange(request: ExchangeRequest): Promise<ExchangeReply>;
  /**
   * Applies settlements, without claiming. The recovery settles orphans with it.
   *
   * Guarantees: as for `exchange`. If the holder and the recovery settle one claim at once, one of them gets `lost`.
   *
   * @param pod who settles; the row keeps the name of the holder
   * @returns one receipt for each settlement, in their order
   * @throws StoreError `STORE_REFUSED` if one of the settlements cannot be stored; send the others without it
   */
  settle(pod: PodRef, settlements: readonly Settlement[]): Promise<readonly Receipt[]>;
  /**
   * Reads steps by id. The reply has no order and leaves out unknown ids. It may be late by {@link Store.staleReadMs}:
   * it may show an earlier state, or miss a step that another process has just submitted.
   */
  find(stepIds: readonly string[]): Promise<readonly StepRecord[]>;
  /**
   * Finds out which awaited steps have ended since the last query.
   *
   * Guarantees: a step that this library ends is in a reply, sooner or later, and perhaps more than once; a late read
   * may delay it. The cost should depend on how many steps have ended, not on how many are awaited.
   */
  ended(query: EndedQuery): Promise<EndedReply>;
  /** Finds out which of these steps were cancelled. A pod checks the steps that it runs. The reply may be late. */
  cancelled(stepIds: readonly string[]): Promise<readonly CancelledStep[]>;
  /**
   * Reads one page of the steps that match all conditions of the filter.
   *
   * Guarantees: no step is listed twice, and a step that exists during the whole listing and matches the filter is
   * listed. A step that is submitted, removed or changed meanwhile may be listed or not.
   *
   * @throws ValidationError `OPTION_INVALID` if `after` is not a cursor of this store
   */
  list(filter: ListFilter): Promise<ListPage>;
  /** Counts the steps. The counts may be late, and some ms apart from each other. */
  stats(): Promise<StoreStats>;
  /**
   * Makes pending or claimed steps terminal, each at the version that the caller has read.
   *
   * Guarantees: the holder of a cancelled step cannot settle it any more; it gets the receipt `cancelled`. A repeat
   * under the same token changes nothing, even if the step was retried since; while the step is still cancelled, the
   * repeat gets `cancelled` again, and another token gets `alreadyTerminal`.
   *
   * @returns one receipt for each step, in their order
   */
  cancel(token: string, steps: readonly StepAt[]): Promise<readonly CancelReceipt[]>;
  /**
   * Makes failed or cancelled steps pending again, due now, with fresh counts and without their error, each at the
   * version that the caller has read.
   *
   * Guarantees: a repeat changes nothing and gets the same receipt; see {@link RetryReceipt} for the exception. A late
   * settlement of an earlier holder is not applied.
   *
   * @returns one receipt for each step, in their order
   */
  retry(steps: readonly StepAt[]): Promise<readonly RetryReceipt[]>;
  /**
   * Removes terminal steps that ended longer than `keepMs` ago, and the records of incarnations that ended long ago.
   * One call removes a bounded piece; call it again while there is `more`.
   *
   * Guarantees: a pending or claimed step is never removed. A claim of a removed incarnation is still an orphan, and
   * that incarnation does not come back.
   */
  prune(retention: { readonly keepMs: number }): Promise<PruneReply>;
}
