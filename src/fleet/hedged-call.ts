/**
 * A hedged call: one that hangs is repeated beside it, and the first answer counts.
 *
 * Invariants:
 * - While a call is under way, the next begins only when the youngest is `patienceMs` old. So within the limit there are
 *   `limitMs / patienceMs` of them at most. How long a call goes on after that is bounded by the store.
 * - A late answer counts like any other, also for a later question, unless a younger call was answered before it.
 * - A question is over when the youngest call fails, or after `limitMs` at the latest. Then it fails with what an older
 *   call failed with, if one did: that says more than that there was no answer.
 */
import type { Runtime, Timer } from '../runtime/runtime.js';
import { withTimeout } from '../runtime/with-timeout.js';

export interface HedgeOptions {
  readonly runtime: Runtime;
  readonly patienceMs: number;
  readonly limitMs: number;
  /** Ends every question. */
  readonly signal: AbortSignal;
}

interface Call {
  readonly since: number;
}

interface Waiter<T> {
  readonly resolve: (answer: T) => void;
  readonly reject: (error: unknown) => void;
  /** What a call failed with last. */
  failure?: { readonly error: unknown };
}

export class HedgedCall<T> {
  readonly #parts: HedgeOptions;
  /** The oldest first. */
  #underWay: Call[] = [];
  #waiter: Waiter<T> | undefined;

  constructor(parts: HedgeOptions) {
    this.#parts = parts;
  }

  /**
   * Resolves with the next answer. One question at a time.
   *
   * @param send makes the call; it may be used several times
   * @throws what a call threw; StoreError `STORE_UNAVAILABLE` after the limit; StoppedError
   */
  async ask(send: () => Promise<T>): Promise<T> {
    const { runtime, limitMs, signal } = this.#parts;
    const tooOld = runtime.monotonicMs() - limitMs;
    this.#underWay = this.#underWay.filter(({ since }) => since > tooOld);
    const timer: { current?: Timer } = {};
    const answer = (): Promise<T> =>
      new Promise((resolve, reject) => {
        this.#waiter = { resolve, reject };
        this.#sendAndWait(send, timer);
      });
    try {
      return await withTimeout(runtime, answer, { timeoutMs: limitMs, signal });
    } catch (error) {
      throw signal.aborted ? error : (this.#waiter?.failure?.error ?? error);
    } finally {
      timer.current?.cancel();
      this.#waiter = undefined;
    }
  }

  /** What is under way answers nothing that will be asked. */
  forget(): void {
    this.#underWay = [];
  }

  #sendAndWait(send: () => Promise<T>, timer: { current?: Timer }): void {
    const { runtime, patienceMs } = this.#parts;
    const youngest = this.#underWay.at(-1);
    const restMs = youngest === undefined ? 0 : youngest.since + patienceMs - runtime.monotonicMs();
    if (restMs <= 0) this.#send(send);
    timer.current = runtime.after(restMs > 0 ? restMs : patienceMs, () => this.#sendAndWait(send, timer));
  }

  #send(send: () => Promise<T>): void {
    const call: Call = { since: this.#parts.runtime.monotonicMs() };
    this.#underWay.push(call);
    send().then(
      (answer) => {
        const index = this.#underWay.indexOf(call);
        if (index < 0) return;
        this.#underWay.splice(0, index + 1); // the older ones have nothing to add
        this.#waiter?.resolve(answer);
      },
      (error: unknown) => {
        if (!this.#underWay.includes(call)) return;
        const isYoungest = this.#underWay.at(-1) === call;
        this.#underWay = this.#underWay.filter((each) => each !== call);
        if (this.#waiter !== undefined) this.#waiter.failure = { error };
        if (isYoungest) this.#waiter?.reject(error);
      },
    );
  }
}
