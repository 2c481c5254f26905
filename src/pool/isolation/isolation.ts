/**
 * When this pod empties itself and its process, so that a suspect can run alone.
 *
 * A suspect that comes to a busy pod is given back, and the pod claims nothing until it is empty; then it asks again.
 * While it waits the suspect stands in the store, so an idle pod takes it at once.
 *
 * Invariants:
 * - Free slots stay empty for a bounded time. If the pod is not empty by then, it works on as usual for at least as long,
 *   and each further try lasts twice as long: so also among long handlers one try is long enough.
 * - A pod gives suspects no more than about half of its time while there is other work.
 * - What it says of the pod it says of the whole process: the other pools in it are {@link ProcessPools}.
 */
import { doubleJitterMs, exponentialMs } from '../../runtime/backoff.js';
import { LOOK_MS, type ProcessPools } from './process-pools.js';

/** How long the first try lasts, in ms, and how long any. */
const FIRST_TRY_MS = 5_000;
const LONGEST_TRY_MS = 4 * 3_600_000;

export class Isolation {
  readonly #random: () => number;
  readonly #processPools: ProcessPools;
  /** When it began to empty itself, or a suspect got it; `undefined` while it works as usual. */
  #since: number | undefined;
  /** Whether a suspect has the pod for itself. */
  #runs = false;
  #tries = 0;
  #restsUntil = -Infinity;

  constructor(random: () => number, processPools: ProcessPools) {
    this.#random = random;
    this.#processPools = processPools;
  }

  /** Whether nothing is claimed until the pod is empty. */
  get emptying(): boolean {
    return this.#since !== undefined;
  }

  /** Whether a suspect may come with the next claims. */
  mayLook(now: number): boolean {
    return now >= this.#restsUntil && this.#processPools.free(now);
  }

  /** Whether another pool of the process empties it, or runs a suspect: nothing is claimed or started here. */
  blocked(now: number): boolean {
    return this.#processPools.blocked(now);
  }

  /** Whether an empty pod may claim under a token that says "alone". */
  get mayClaimAlone(): boolean {
    return this.#processPools.mayClaimAlone;
  }

  /** Whether nothing else goes on in the process, this pool apart. */
  get processIsQuiet(): boolean {
    return this.#processPools.quiet;
  }

  /** A suspect waits in the store. @returns whether this is news */
  found(now: number): boolean {
    if (this.#since !== undefined || !this.#processPools.free(now)) return false;
    this.#since = now;
    this.#processPools.take(now, now + this.#tryMs);
    return true;
  }

  /** The pod is empty, and a suspect has it for itself. */
  begun(now: number): void {
    this.#since ??= now;
    this.#runs = true;
    this.#processPools.take(now, Infinity);
  }

  /** The pod claims nothing for now: the others in the process are not to wait for it. */
  yieldProcess(now: number): void {
    if (!this.#runs) this.#processPools.release(now);
  }

  /** In how many ms the try under way ends. */
  expiresInMs(now: number): number {
    return this.#since === undefined || this.#runs ? Infinity : Math.max(0, this.#since + this.#tryMs - now);
  }

  /** In how many ms to look again where nothing may be claimed. */
  looksInMs(now: number): number {
    const expiresInMs = this.expiresInMs(now);
    if (!this.#processPools.any) return expiresInMs;
    const waits = (this.emptying && !this.#runs) || this.blocked(now);
    return waits ? Math.min(LOOK_MS, expiresInMs) : expiresInMs;
  }

  /** Ends a try that has lasted too long. */
  expire(now: number): void {
    if (this.expiresInMs(now) > 0) return;
    this.#rest(now);
    this.#tries++;
  }

  /** The pod was empty: the suspect has run, or somebody else has it. */
  over(now: number): void {
    this.#rest(now);
    this.#tries = 0;
  }

  /** There is no other work to rest for. @returns whether it rested */
  cutShort(now: number): boolean {
    if (now >= this.#restsUntil || !this.#processPools.free(now)) return false;
    this.#restsUntil = -Infinity;
    return true;
  }

  get #tryMs(): number {
    return exponentialMs(FIRST_TRY_MS, LONGEST_TRY_MS, this.#tries);
  }

  /** The chance keeps pods apart that found the same suspect. */
  #rest(now: number): void {
    this.#processPools.release(now);
    if (this.#since === undefined) return;
    this.#restsUntil = now + doubleJitterMs(now - this.#since, this.#random());
    this.#since = undefined;
    this.#runs = false;
  }
}
