/**
 * Remembers whether the store answered the last call of a queue that was never started, and finds out when it answers again.
 *
 * Invariants:
 * - While the last call has failed, the store is asked in the background: soon after a transient error, seldom after a
 *   permanent one. One question is open at a time, and no timer keeps the process alive.
 * - While the store answers, nothing is asked.
 * - `STORE_REFUSED` and `STORE_CLOSED` are answers of the store, or of this process; they are no failure.
 * - After `stop` nothing is asked or remembered: a pod knows by its loops whether the store answers.
 */
import { asError } from '../errors.js';
import { exponentialMs, halfJitterMs } from '../runtime/backoff.js';
import type { QueueContext } from '../runtime/async-context.js';
import type { Runtime, Timer } from '../runtime/runtime.js';
import { isStoreError } from './contract.js';
import { isOutage, type FailingOperation } from './outage-tracker.js';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;
/** After a permanent error, such as a refused sign-in: an account must not be locked by our questions. */
const PERMANENT_PAUSE_MS = 30_000;

/** The operation of opening the store. If it fails, there is no answer, whatever the error. */
export const OPEN = 'open';

interface Failure {
  readonly operation: string;
  readonly error: Error;
  readonly since: number;
}

export class StoreAnswers {
  readonly #runtime: Runtime;
  readonly #context: QueueContext;
  readonly #ask: () => Promise<unknown>;
  #state: 'unasked' | 'asked' | 'answered' | 'stopped' = 'unasked';
  #failure: Failure | undefined;
  #failures = 0;
  #timer: Timer | undefined;
  #asking = false;

  /**
   * @param context the questions are asked in it: the call that failed may belong to a request
   * @param ask opens the store if it is not open, and makes a cheap call that reports to this object
   */
  constructor(runtime: Runtime, context: QueueContext, ask: () => Promise<unknown>) {
    this.#runtime = runtime;
    this.#context = context;
    this.#ask = ask;
  }

  /** Whether calls have to report what became of them. */
  get watches(): boolean {
    return this.#state !== 'stopped';
  }

  /** `unasked`: no call was made; `asked`: the first has not been answered; `stopped`: the queue is no client any more. */
  get state(): 'unasked' | 'asked' | 'answered' | 'stopped' {
    return this.#state;
  }

  /** The last call, if it failed. */
  get failing(): FailingOperation | undefined {
    const failure = this.#failure;
    if (failure === undefined) return undefined;
    const { operation, error, since } = failure;
    return { operation, error, forMs: this.#runtime.monotonicMs() - since };
  }

  /** The store is being opened. */
  asked(): void {
    if (this.#state === 'unasked') this.#state = 'asked';
  }

  answered(): void {
    if (!this.watches) return;
    this.#state = 'answered';
    this.#failure = undefined;
    this.#failures = 0;
    this.#cancelTimer();
  }

  failed(operation: string, thrown: unknown): void {
    if (!this.watches || (operation !== OPEN && !isFailure(thrown))) return;
    const now = this.#runtime.monotonicMs();
    this.#failure = { operation, error: asError(thrown), since: this.#failure?.since ?? now };
    if (!this.#asking) this.#schedule();
  }

  /** The queue becomes a pod, or is stopped. */
  stop(): void {
    this.#state = 'stopped';
    this.#failure = undefined;
    this.#cancelTimer();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#failure === undefined) return;
    const pauseMs = isTransient(this.#failure.error)
      ? exponentialMs(FIRST_PAUSE_MS, LONGEST_PAUSE_MS, this.#failures)
      : PERMANENT_PAUSE_MS;
    this.#failures++;
    const delayMs = halfJitterMs(pauseMs, this.#runtime.random());
    const again = (): void => void this.#askAgain();
    this.#timer = this.#context.run(() => this.#runtime.after(delayMs, again, { ref: false }));
  }

  async #askAgain(): Promise<void> {
    this.#timer = undefined;
    this.#asking = true;
    // The call itself reports how it ended.
    await this.#ask().catch(() => undefined);
    this.#asking = false;
    this.#schedule();
  }

  #cancelTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

function isFailure(thrown: unknown): boolean {
  return isStoreError(thrown) && isOutage(thrown);
}

function isTransient(error: Error): boolean {
  return isStoreError(error) && error.transient;
}
