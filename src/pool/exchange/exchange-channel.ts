/**
 * The pool's one connection to the store: sends outcomes, takes claims, and continues after failures.
 *
 * Invariants:
 * - A request that failed may have been applied. So a claim without a reply is read back by its token before a fresh token
 *   claims, and outcomes are sent again under the same fence.
 * - If a read-back does not show a claim and the store's reads may be late, {@link UnconfirmedTokens} keeps its token. Others
 *   are claimed meanwhile.
 * - If the store refuses the batch, the settler bisects it.
 * - After a failure the next exchange waits, longer each time, up to a few seconds. The first success ends that.
 */
import { asError } from '../../errors.js';
import { EVENT_LINES, logEvent, type Events } from '../../events.js';
import { loggedError, type Log } from '../../log.js';
import { exponentialMs, halfJitterMs } from '../../runtime/backoff.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { Settled, Settler } from '../../settlement/settler.js';
import { claimTokenOf, isAlone } from '../../step/crash-suspect.js';
import type { ClaimRequest, ExchangeReply, Pace, PodRef, Settlement, Store } from '../../store/contract.js';
import { isEnded, type OutboxEntry } from '../claims/outbox.js';
import type { ClaimPlan, ClaimsBrought, ExchangePace } from '../planning/claim-planner.js';
import { ExchangeCall } from './exchange-call.js';
import { UnconfirmedTokens, type UnansweredToken } from './unconfirmed-tokens.js';

/** What an exchange brought: the receipts of its batch, and claims. */
export interface ExchangeResult extends Settled, ClaimsBrought {
  /** Nothing was left to do. */
  readonly quiet: ExchangeReply['quiet'];
  /** The claims were read back: some of them may have come before. */
  readonly isReadBack: boolean;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 3_000;
/** The longest pause after a failure while the queue stops. */
const SHORTENED_PAUSE_MS = 250;
/** The longest wait for the pace of the store while the queue stops. After that time the process may be killed. */
const LONGEST_WAIT_AT_STOP_MS = 5_000;
/** The weight of the newest exchange in the means. */
const NEWEST_WEIGHT = 0.3;
/**
 * If reads may be late, round trips differ so much that with their mean a pod runs dry: then the longest of the last ones counts, and each
 * exchange shortens it by a tenth at most.
 */
const LONGEST_KEPT = 0.9;
/**
 * The store spreads its pace, and an exchange may begin or end late. A pod that claims ahead for the mean interval runs dry in every
 * second one (measured in a simulation: 100 pods at 0.97 of their capacity instead of 1.00).
 */
const PACE_MARGIN = 1.25;

export interface ExchangeChannelDependencies {
  readonly store: Pick<Store, 'exchange' | 'staleReadMs'>;
  readonly runtime: Runtime;
  readonly settler: Settler;
  readonly events: Events;
  readonly log: Log;
}

export class ExchangeChannel implements ExchangePace {
  readonly #deps: ExchangeChannelDependencies;
  readonly #abandoned = new AbortController();
  readonly #unconfirmed: UnconfirmedTokens;
  #exchanging = false;
  #inFlight: string | undefined;
  #unanswered: UnansweredToken | undefined;
  #failures = 0;
  #notBefore = 0;
  #longestPauseMs = LONGEST_PAUSE_MS;
  #longestWaitMs = Infinity;
  #batch = Infinity;
  #idleMs = 0;
  #throttled: Pace['throttled'];
  #startedAt = 0;
  #roundTripMs = 0;
  #intervalMs = 0;
  #pacedMs = 0;

  constructor(deps: ExchangeChannelDependencies) {
    this.#deps = deps;
    this.#unconfirmed = new UnconfirmedTokens(deps.store.staleReadMs);
  }

  get batch(): number {
    return this.#batch;
  }

  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  get intervalMs(): number {
    return Math.max(this.#intervalMs, this.#roundTripMs, this.#pacedMs);
  }

  get idleMs(): number {
    return this.#idleMs;
  }

  /** How long the next exchange must wait, in ms: the store's pace, or the pause after a failure. */
  waitMs(now: number): number {
    return Math.max(0, this.#notBefore - now);
  }

  /** Tokens under which claims may still come: in flight, unanswered, or not confirmed. */
  get openTokens(): readonly string[] {
    return [this.#inFlight, this.#unanswered?.token, ...this.#unconfirmed.tokens].filter(
      (token) => token !== undefined,
    );
  }

  /** Whether a token that is in flight or unanswered says that the pod was empty. */
  get claimsAlone(): boolean {
    return tokenIsAlone(this.#inFlight) || tokenIsAlone(this.#unanswered?.token);
  }

  /** Whether a claim of this incarnation got no reply and must be read back before the next claim. */
  unanswered(pod: PodRef | undefined): boolean {
    return this.#unanswered !== undefined && this.#unanswered.pod === pod;
  }

  /** In how many ms a claim of this incarnation must be read back. */
  readBackInMs(pod: PodRef | undefined, now: number): number {
    return this.unanswered(pod) ? 0 : this.#unconfirmed.dueInMs(pod, now);
  }

  /** Whether nothing is in flight, and no claim of this incarnation is unanswered. */
  idle(pod: PodRef | undefined): boolean {
    return !this.#exchanging && !this.unanswered(pod);
  }

  /** The queue stops: failures are followed by shorter pauses from now on, and the pace of the store is kept for a few seconds. */
  shortenPauses(now: number): void {
    this.#longestPauseMs = SHORTENED_PAUSE_MS;
    this.#longestWaitMs = LONGEST_WAIT_AT_STOP_MS;
    const longestMs = this.#failures > 0 ? this.#longestPauseMs : this.#longestWaitMs;
    this.#notBefore = Math.min(this.#notBefore, now + longestMs);
  }

  /** Gives up the exchange in flight, permanently. It counts as failed, and its claim as unanswered. */
  abandon(): void {
    this.#abandoned.abort();
  }

  /**
   * Sends outcomes and takes claims.
   *
   * @param busy whether there was work since the last exchange, so that the time between them is meaningful
   * @returns `undefined` if it failed: the whole batch must be sent again
   */
  async exchange(
    pod: PodRef,
    batch: readonly OutboxEntry[],
    plan?: ClaimPlan,
    busy = false,
  ): Promise<ExchangeResult | undefined> {
    const { store, settler, runtime } = this.#deps;
    const readBack = this.#toReadBack(pod);
    const claim = readBack === undefined && plan !== undefined ? requestOf(plan, runtime.uuid()) : undefined;
    const settlements = batch.map((entry) => this.#settlementOf(entry));
    const first = claim !== undefined ? { claim } : readBack !== undefined ? { readBack: readBack.token } : undefined;
    const call = new ExchangeCall({ store, runtime, abandoned: this.#abandoned.signal }, pod, first);
    const asked = claim === undefined ? 0 : claim.free + claim.prefetch;
    // Nothing can come under the token of a request for nothing.
    this.#begin(asked > 0 ? claim?.token : readBack?.token, busy);
    let settled: Settled | undefined;
    let failure: unknown;
    try {
      settled = await settler.send(settlements, (part) => call.send(part));
      this.#succeeded(pod, call.pace);
    } catch (error) {
      failure = error;
      this.#failed(error);
    }
    this.#end(pod, readBack, call.firstReply);
    const { claims = [], nextDueInMs = null, quiet } = call.firstReply ?? {};
    this.#announce(pod, claims.length, settled?.receipts.length, failure);
    if (settled === undefined) return undefined;
    const { settlements: sent, receipts } = settled;
    const looked = claim !== undefined;
    const isReadBack = readBack !== undefined;
    return { settlements: sent, receipts, claims, nextDueInMs, quiet, looked, asked, isReadBack };
  }

  /** @param settled how many receipts have come; `undefined` if the exchange failed */
  #announce({ podId }: PodRef, claimed: number, settled: number | undefined, failure: unknown): void {
    const { runtime, events, log } = this.#deps;
    const logs = settled !== undefined && log.verbose;
    if (!logs && !events.has('exchange:completed')) return;
    const durationMs = runtime.monotonicMs() - this.#startedAt;
    if (logs) logEvent(log, EVENT_LINES.exchangeCompleted, { durationMs, claimed, settled });
    const error = settled === undefined ? asError(failure) : undefined;
    events.emit('exchange:completed', { podId, durationMs, claimed, settled: settled ?? 0, error });
  }

  #settlementOf(entry: OutboxEntry): Settlement {
    if (!isEnded(entry)) return entry.settlement;
    return entry.settlement ?? entry.settleWith(this.#deps.settler.settlement(entry.claim, entry.outcome));
  }

  /** An unanswered token comes first, then one that a late read may have missed. */
  #toReadBack(pod: PodRef): UnansweredToken | undefined {
    if (this.unanswered(pod)) return this.#unanswered;
    return this.#unconfirmed.take(pod, this.#deps.runtime.monotonicMs());
  }

  #begin(token: string | undefined, busy: boolean): void {
    const now = this.#deps.runtime.monotonicMs();
    this.#inFlight = token;
    this.#exchanging = true;
    if (busy && this.#startedAt > 0) this.#intervalMs = mean(this.#intervalMs, now - this.#startedAt);
    this.#startedAt = now;
  }

  /**
   * Records the result for the token that was in flight. If only later parts of a bisected batch went through, the first
   * request may still have claimed: its token is unanswered.
   */
  #end(pod: PodRef, readBack: UnansweredToken | undefined, firstReply: ExchangeReply | undefined): void {
    const token = this.#inFlight;
    this.#inFlight = undefined;
    this.#exchanging = false;
    if (token === undefined) return;
    if (firstReply !== undefined) this.#unanswered = undefined;
    else this.#unanswered = readBack ?? { pod, token, since: this.#deps.runtime.monotonicMs() };
    if (readBack !== undefined && firstReply?.claims.length === 0) this.#unconfirmed.absent(readBack, this.#startedAt);
  }

  #succeeded(pod: PodRef, pace: Pace): void {
    const now = this.#deps.runtime.monotonicMs();
    const tookMs = now - this.#startedAt;
    const readsMayBeLate = this.#deps.store.staleReadMs > 0;
    this.#roundTripMs = readsMayBeLate
      ? Math.max(tookMs, LONGEST_KEPT * this.#roundTripMs)
      : mean(this.#roundTripMs, tookMs);
    this.#pacedMs = PACE_MARGIN * (pace.intervalMs ?? 0);
    this.#batch = Math.max(1, pace.batch);
    this.#notBefore = now + Math.min(pace.waitMs, this.#longestWaitMs);
    this.#idleMs = pace.idleMs ?? 0;
    this.#failures = 0;
    this.#announcePace(pod, pace);
  }

  /** @param pace what the last reply asked for */
  #announcePace({ podId }: PodRef, { throttled: reason, intervalMs: everyMs = 0 }: Pace): void {
    if (reason === this.#throttled) return;
    this.#throttled = reason;
    const { events, log } = this.#deps;
    const intervalMs = Math.round(everyMs);
    const line = reason === undefined ? EVENT_LINES.storeRelaxed : EVENT_LINES.storeThrottled;
    logEvent(log, line, { intervalMs, ...(reason !== undefined && { reason }) });
    if (reason === undefined) events.emit('store:relaxed', { podId, intervalMs });
    else events.emit('store:throttled', { podId, intervalMs, reason });
  }

  #failed(thrown: unknown): void {
    const { runtime, log } = this.#deps;
    const widestMs = exponentialMs(FIRST_PAUSE_MS, this.#longestPauseMs, this.#failures++);
    const retryInMs = halfJitterMs(widestMs, runtime.random());
    this.#notBefore = runtime.monotonicMs() + retryInMs;
    if (!log.verbose) return;
    const fields = { error: loggedError(thrown), failures: this.#failures, retryInMs: Math.round(retryInMs) };
    logEvent(log, EVENT_LINES.exchangeFailed, fields);
  }
}

function requestOf({ alone, ...plan }: ClaimPlan, uuid: string): ClaimRequest {
  return { token: claimTokenOf(uuid, alone), ...plan };
}

function tokenIsAlone(claimToken: string | undefined): boolean {
  return claimToken !== undefined && isAlone({ claimToken });
}

function mean(before: number, newest: number): number {
  return before === 0 ? newest : before + NEWEST_WEIGHT * (newest - before);
}
