/**
 * The pool's one conversation with the store, kept up through failures.
 *
 * Invariants:
 * - What failed may have happened. So a claim whose reply was lost is read back by its token before a fresh token claims,
 *   and outcomes are sent again under the same fence.
 * - A claim that was read back and not shown, where reads may be late, is kept in {@link UnconfirmedTokens}. Others are claimed
 *   meanwhile.
 * - The settler bisects a batch that is refused for good.
 * - After a failure the next try waits, longer each time, up to a few seconds. The first success ends that.
 */
import { asError } from '../../errors.js';
import type { Log } from '../../log.js';
import { exponentialMs, halfJitterMs } from '../../runtime/backoff.js';
import type { Runtime } from '../../runtime/runtime.js';
import { withTimeout } from '../../runtime/with-timeout.js';
import { claimTokenOf, isAlone } from '../../step/crash-suspect.js';
import type {
  Claim,
  ClaimRequest,
  ExchangeReply,
  ExchangeRequest,
  PodRef,
  Receipt,
  Settlement,
  Store,
} from '../../store/contract.js';
import type { Settled, Settler } from '../../settlement/settler.js';
import { UnconfirmedTokens, type UnansweredToken } from './unconfirmed-tokens.js';
import type { HeldClaim } from '../claims/held-claim.js';

/** What a pod wants; the token is chosen here. */
export interface ClaimPlan extends Omit<ClaimRequest, 'token'> {
  /** The pod, and its process, hold nothing: if a suspect comes, it is run alone. */
  readonly alone: boolean;
}

/** What an exchange came to. */
export interface ExchangeResult extends Settled {
  readonly claims: readonly Claim[];
  readonly nextDueInMs: number | null;
  /** How many claims were asked for; 0 where it only settled or read back. */
  readonly asked: number;
}

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 3_000;
const LONGEST_PAUSE_IN_HASTE_MS = 250;
/** How much the newest exchange counts in what an exchange takes. */
const NEWEST_COUNTS = 0.3;

export interface ExchangeChannelParts {
  readonly store: Pick<Store, 'exchange' | 'staleReadMs'>;
  readonly runtime: Runtime;
  readonly settler: Settler;
  readonly log: Log;
}

export class ExchangeChannel {
  readonly #parts: ExchangeChannelParts;
  readonly #abandoned = new AbortController();
  #exchanging = false;
  #inFlight: string | undefined;
  #lost: UnansweredToken | undefined;
  readonly #unconfirmed: UnconfirmedTokens;
  #failures = 0;
  #notBefore = 0;
  #longestPauseMs = LONGEST_PAUSE_MS;
  #batch = Infinity;
  #startedAt = 0;
  #roundTripMs = 0;
  #intervalMs = 0;

  constructor(parts: ExchangeChannelParts) {
    this.#parts = parts;
    this.#unconfirmed = new UnconfirmedTokens(parts.store.staleReadMs);
  }

  /** Most steps that the store wants brought, and gives, at a time. */
  get batch(): number {
    return this.#batch;
  }

  /** What an exchange takes, in ms. */
  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  /** From one exchange to the next while there is work, in ms. */
  get intervalMs(): number {
    return Math.max(this.#intervalMs, this.#roundTripMs);
  }

  /** For how long the next exchange must wait: the store's pace, or the pause after a failure. */
  waitMs(now: number): number {
    return Math.max(0, this.#notBefore - now);
  }

  /** Tokens of claims that may be on their way to us: the reply is awaited, or was lost and is to be read back. */
  get openTokens(): readonly string[] {
    return [this.#inFlight, this.#lost?.token, ...this.#unconfirmed.tokens].filter((token) => token !== undefined);
  }

  /** Whether one that the next claim waits for says that the pod was empty. */
  get claimsAlone(): boolean {
    return tokenIsAlone(this.#inFlight) || tokenIsAlone(this.#lost?.token);
  }

  /** Whether a lost claim of this incarnation is to be read back before anything else is claimed. */
  lost(pod: PodRef | undefined): boolean {
    return this.#lost !== undefined && this.#lost.pod === pod;
  }

  /** In how many ms a claim of this incarnation is to be read back. */
  readsBackInMs(pod: PodRef | undefined, now: number): number {
    return this.lost(pod) ? 0 : this.#unconfirmed.dueInMs(pod, now);
  }

  /** Whether nothing is under way, and nothing was lost that was not asked about. */
  idle(pod: PodRef | undefined): boolean {
    return !this.#exchanging && !this.lost(pod);
  }

  /** The queue stops: shorter pauses from now on. */
  shortenPauses(now: number): void {
    this.#longestPauseMs = LONGEST_PAUSE_IN_HASTE_MS;
    if (this.#failures > 0) this.#notBefore = Math.min(this.#notBefore, now + LONGEST_PAUSE_IN_HASTE_MS);
  }

  /** Waits for the exchange under way no longer. It counts as failed, and its reply as lost. */
  abandon(): void {
    this.#abandoned.abort();
  }

  /**
   * Hands in outcomes and takes claims. `undefined`: it failed, and everything is to be sent again.
   *
   * @param busy whether there was work since the last exchange, so that the time between them tells something
   */
  async exchange(
    pod: PodRef,
    batch: readonly HeldClaim[],
    plan?: ClaimPlan,
    busy = false,
  ): Promise<ExchangeResult | undefined> {
    const { settler, runtime } = this.#parts;
    const readBack = this.#toReadBack(pod);
    const claim = readBack === undefined && plan !== undefined ? requestOf(plan, runtime.uuid()) : undefined;
    const token = claim?.token ?? readBack?.token;
    const settlements = batch.map((held) => (held.settlement ??= settler.settlement(held.claim, held.outcome)));
    this.#inFlight = token;
    this.#exchanging = true;
    this.#begin(busy);
    const store = { exchange: (request: ExchangeRequest) => this.#ask(request) };
    const call = new ExchangeCall(store, pod, claim, readBack?.token);
    let settled: Settled | undefined;
    try {
      settled = await settler.send(settlements, (part) => call.send(part));
      this.#answered(call.pace);
    } catch (error) {
      this.#failed(error);
    }
    this.#inFlight = undefined;
    this.#exchanging = false;
    if (token !== undefined) this.#came(pod, token, readBack, call.claimed);
    if (settled === undefined) return undefined;
    const { claims = [], nextDueInMs = null } = call.claimed ?? {};
    return { ...settled, claims, nextDueInMs, asked: claim === undefined ? 0 : claim.free + claim.prefetch };
  }

  /** What was lost comes first; then what a late read did not show. */
  #toReadBack(pod: PodRef): UnansweredToken | undefined {
    if (this.lost(pod)) return this.#lost;
    return this.#unconfirmed.take(pod, this.#parts.runtime.monotonicMs());
  }

  /** What has come of a token. Where only halves of its batch went through, the first request may yet have claimed. */
  #came(pod: PodRef, token: string, readBack: UnansweredToken | undefined, reply: ExchangeReply | undefined): void {
    const { runtime } = this.#parts;
    this.#lost = reply === undefined ? (readBack ?? { pod, token, since: runtime.monotonicMs() }) : undefined;
    if (readBack !== undefined && reply?.claims.length === 0) this.#unconfirmed.absent(readBack, this.#startedAt);
  }

  #ask(request: ExchangeRequest): Promise<ExchangeReply> {
    const { runtime, store } = this.#parts;
    return withTimeout(runtime, () => store.exchange(request), { signal: this.#abandoned.signal });
  }

  #begin(busy: boolean): void {
    const now = this.#parts.runtime.monotonicMs();
    if (busy && this.#startedAt > 0) this.#intervalMs = mean(this.#intervalMs, now - this.#startedAt);
    this.#startedAt = now;
  }

  #answered(pace: ExchangeReply['pace']): void {
    const now = this.#parts.runtime.monotonicMs();
    this.#roundTripMs = mean(this.#roundTripMs, now - this.#startedAt);
    this.#batch = Math.max(1, pace.batch);
    this.#notBefore = now + pace.waitMs;
    this.#failures = 0;
  }

  #failed(thrown: unknown): void {
    const { runtime, log } = this.#parts;
    const widest = exponentialMs(FIRST_PAUSE_MS, this.#longestPauseMs, this.#failures++);
    this.#notBefore = runtime.monotonicMs() + halfJitterMs(widest, runtime.random());
    log.debug({ error: asError(thrown).message, failures: this.#failures }, 'an exchange failed');
  }
}

/** One exchange, in one request; or in several, where the store refuses the batch. Only the first can claim. */
class ExchangeCall {
  /** The reply to the request that claimed. */
  claimed: ExchangeReply | undefined;
  pace: ExchangeReply['pace'] = { waitMs: 0, batch: Infinity };
  readonly #store: Pick<Store, 'exchange'>;
  readonly #pod: PodRef;
  #claim: Pick<ExchangeRequest, 'claim' | 'readBack'> | undefined;

  constructor(store: Pick<Store, 'exchange'>, pod: PodRef, claim?: ClaimRequest, readBack?: string) {
    this.#store = store;
    this.#pod = pod;
    if (claim !== undefined) this.#claim = { claim };
    else if (readBack !== undefined) this.#claim = { readBack };
  }

  async send(settlements: readonly Settlement[]): Promise<readonly Receipt[]> {
    const claim = this.#claim;
    this.#claim = undefined;
    const reply = await this.#store.exchange({ pod: this.#pod, settlements, ...claim });
    if (claim !== undefined) this.claimed = reply;
    this.pace = reply.pace;
    return reply.receipts;
  }
}

function requestOf({ alone, ...plan }: ClaimPlan, uuid: string): ClaimRequest {
  return { token: claimTokenOf(uuid, alone), ...plan };
}

function tokenIsAlone(claimToken: string | undefined): boolean {
  return claimToken !== undefined && isAlone({ claimToken });
}

function mean(before: number, newest: number): number {
  return before === 0 ? newest : before + NEWEST_COUNTS * (newest - before);
}
