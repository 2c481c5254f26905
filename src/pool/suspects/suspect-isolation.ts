/**
 * Decides when this pod empties itself and its process, so that a suspect can run alone.
 *
 * A suspect that comes to a busy pod is given back. The pod then claims nothing until it is empty, and claims again. Meanwhile
 * the suspect waits in the store, so an idle pod takes it at once.
 *
 * Invariants:
 * - Free slots stay empty for a bounded time. If the pod is not empty by then, it works as usual for at least as long. Each
 *   further try lasts twice as long, so a try is long enough in the end, also among long handlers.
 * - While there is other work, a pod spends at most about half of its time on suspects.
 * - Whatever it requires of this pool it requires of the other pools of the process too: see {@link PoolsOfProcess}.
 */
import { doubleJitterMs, exponentialMs } from '../../runtime/backoff.js';
import type { HeldClaim } from '../claims/held-claim.js';
import { POLL_MS, type PoolsOfProcess } from './pools-of-process.js';

/** How long the first try lasts, in ms, and the longest. */
const FIRST_TRY_MS = 5_000;
const LONGEST_TRY_MS = 4 * 3_600_000;

export class SuspectIsolation {
  readonly #random: () => number;
  readonly #processPools: PoolsOfProcess;
  /** When the pod began to empty itself, or took a suspect; `undefined` while it works as usual. */
  #since: number | undefined;
  /** The suspect that has this pod for itself, until it has its outcome. */
  #suspect: HeldClaim | undefined;
  #tries = 0;
  #restsUntil = -Infinity;

  constructor(random: () => number, processPools: PoolsOfProcess) {
    this.#random = random;
    this.#processPools = processPools;
  }

  /** Whether a suspect has this pod for itself. */
  get isolates(): boolean {
    return this.#suspect !== undefined;
  }

  /** Whether the pod claims nothing until it is empty, or has a suspect. */
  get emptying(): boolean {
    return this.#since !== undefined;
  }

  /** Whether the next claims may include a suspect. */
  mayTakeSuspect(now: number): boolean {
    return now >= this.#restsUntil && this.#processPools.mayTakeTurn(now);
  }

  /** Whether another pool of the process empties it, or runs a suspect: nothing is claimed or started here. */
  blocked(now: number): boolean {
    return this.#processPools.blocked(now);
  }

  /** Whether an empty pod may claim under a token that says "alone". */
  get mayClaimAlone(): boolean {
    return this.#processPools.mayClaimAlone;
  }

  /** Whether no other pool of the process holds or runs anything. */
  get processIsQuiet(): boolean {
    return this.#processPools.quiet;
  }

  /** A suspect waits in the store. @returns whether this began a new try */
  suspectFound(now: number): boolean {
    if (this.#since !== undefined || !this.#processPools.mayTakeTurn(now)) return false;
    this.#since = now;
    this.#processPools.takeTurn(now, now + this.#tryMs);
    return true;
  }

  /** The pod is empty and has taken the suspect. */
  suspectTaken(suspect: HeldClaim, now: number): void {
    this.#since ??= now;
    this.#suspect = suspect;
    this.#processPools.takeTurn(now, Infinity);
  }

  /** Whether this is the suspect that has the pod for itself. */
  has(claim: object): boolean {
    return claim === this.#suspect;
  }

  /** The pod claims nothing for now: the other pools of the process need not wait for it. */
  releaseProcess(now: number): void {
    if (!this.isolates) this.#processPools.releaseTurn(now);
  }

  /** In how many ms the current try ends. */
  expiresInMs(now: number): number {
    return this.#since === undefined || this.isolates ? Infinity : Math.max(0, this.#since + this.#tryMs - now);
  }

  /** In how many ms to check again whether something may be claimed. */
  checkInMs(now: number): number {
    const expiresInMs = this.expiresInMs(now);
    if (!this.#processPools.any) return expiresInMs;
    const waits = (this.emptying && !this.isolates) || this.blocked(now);
    return waits ? Math.min(POLL_MS, expiresInMs) : expiresInMs;
  }

  /** Ends a try that has lasted too long. */
  expire(now: number): void {
    if (this.expiresInMs(now) > 0) return;
    this.#rest(now);
    this.#tries++;
  }

  /** The pod was empty: the suspect has its outcome, or another pod has it. */
  end(now: number): void {
    this.#rest(now);
    this.#tries = 0;
  }

  /** There is no other work, so the rest after a try can end. @returns whether there was a rest */
  endRest(now: number): boolean {
    if (now >= this.#restsUntil || !this.#processPools.mayTakeTurn(now)) return false;
    this.#restsUntil = -Infinity;
    return true;
  }

  get #tryMs(): number {
    return exponentialMs(FIRST_TRY_MS, LONGEST_TRY_MS, this.#tries);
  }

  /** The random part separates pods that found the same suspect. */
  #rest(now: number): void {
    this.#processPools.releaseTurn(now);
    if (this.#since === undefined) return;
    this.#restsUntil = now + doubleJitterMs(now - this.#since, this.#random());
    this.#since = undefined;
    this.#suspect = undefined;
  }
}
