/**
 * A call that is repeated beside itself while it hangs; the first answer counts.
 *
 * Invariants:
 * - While a try is open, the next begins only when the youngest is `resendAfterMs` old. So at most
 *   `timeoutMs / resendAfterMs` tries are open within the time-out. The store bounds how long a try lasts after that.
 * - A late answer counts like any other, also for a later call, unless a younger try was answered before it.
 * - A call ends when its youngest try fails, or at the time-out. It then fails with the error of an older try, if one has
 *   failed: that says more than that there was no answer.
 */
import type { Runtime, Timer } from '../runtime/runtime.js';
import { withTimeout } from '../runtime/with-timeout.js';

export interface HedgeOptions {
  readonly runtime: Runtime;
  /** Read anew for each try. `fenceAfterMs` is the time-out of a call. */
  readonly pace: { readonly resendAfterMs: number; readonly fenceAfterMs: number };
  /** Ends every call. */
  readonly signal: AbortSignal;
}

interface Try {
  readonly since: number;
}

interface Caller<T> {
  readonly resolve: (answer: T) => void;
  readonly reject: (error: unknown) => void;
  /** The last error of a try. */
  failure?: { readonly error: unknown };
}

export class HedgedCall<T> {
  readonly #options: HedgeOptions;
  /** The oldest first. */
  #open: Try[] = [];
  #caller: Caller<T> | undefined;

  constructor(options: HedgeOptions) {
    this.#options = options;
  }

  /** How long a call takes at most. */
  get timeoutMs(): number {
    return this.#options.pace.fenceAfterMs;
  }

  /**
   * Resolves with the next answer. One call at a time.
   *
   * @param send makes one try; it may be called several times
   * @throws what a try threw; StoreError `STORE_UNAVAILABLE` at the time-out; StoppedError
   */
  async call(send: () => Promise<T>): Promise<T> {
    const { runtime, signal } = this.#options;
    const { timeoutMs } = this;
    const tooOld = runtime.monotonicMs() - timeoutMs;
    this.#open = this.#open.filter(({ since }) => since > tooOld);
    const timer: { current?: Timer } = {};
    const answer = (): Promise<T> =>
      new Promise((resolve, reject) => {
        this.#caller = { resolve, reject };
        this.#sendAndWait(send, timer);
      });
    try {
      return await withTimeout(runtime, answer, { timeoutMs, signal });
    } catch (error) {
      throw signal.aborted ? error : (this.#caller?.failure?.error ?? error);
    } finally {
      timer.current?.cancel();
      this.#caller = undefined;
    }
  }

  /** Ignores the answers of all open tries. */
  discard(): void {
    this.#open = [];
  }

  #sendAndWait(send: () => Promise<T>, timer: { current?: Timer }): void {
    const { runtime, pace } = this.#options;
    const { resendAfterMs } = pace;
    const youngest = this.#open.at(-1);
    const leftMs = youngest === undefined ? 0 : youngest.since + resendAfterMs - runtime.monotonicMs();
    if (leftMs <= 0) this.#send(send);
    timer.current = runtime.after(leftMs > 0 ? leftMs : resendAfterMs, () => this.#sendAndWait(send, timer));
  }

  #send(send: () => Promise<T>): void {
    const attempt: Try = { since: this.#options.runtime.monotonicMs() };
    this.#open.push(attempt);
    send().then(
      (answer) => {
        const index = this.#open.indexOf(attempt);
        if (index < 0) return;
        this.#open.splice(0, index + 1); // the older tries have nothing to add
        this.#caller?.resolve(answer);
      },
      (error: unknown) => {
        if (!this.#open.includes(attempt)) return;
        const isYoungest = this.#open.at(-1) === attempt;
        this.#open = this.#open.filter((each) => each !== attempt);
        if (this.#caller !== undefined) this.#caller.failure = { error };
        if (isYoungest) this.#caller?.reject(error);
      },
    );
  }
}
