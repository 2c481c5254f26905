/** How long a session waits after a failed login before it tries again. */
import { exponentialMs, halfJitterMs } from '../../../runtime/backoff.js';
import type { Runtime } from '../../../runtime/runtime.js';

const FIRST_PAUSE_MS = 250;

export class LoginBackoff {
  readonly #runtime: Pick<Runtime, 'monotonicMs' | 'random'>;
  #longestPauseMs: number;
  #failures = 0;
  #notBefore = 0;

  constructor(runtime: Pick<Runtime, 'monotonicMs' | 'random'>, longestPauseMs: number) {
    this.#runtime = runtime;
    this.#longestPauseMs = longestPauseMs;
  }

  /** From now on no pause is longer than this. */
  pauseAtMost(pauseMs: number): void {
    this.#longestPauseMs = Math.min(this.#longestPauseMs, pauseMs);
  }

  /** How long the next login has to wait, in ms; not above 0 if it may start now. */
  remainingMs(): number {
    return this.#notBefore - this.#runtime.monotonicMs();
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Returns how many logins have failed in a row. */
  failed(): number {
    const pauseMs = exponentialMs(FIRST_PAUSE_MS, this.#longestPauseMs, this.#failures++);
    this.#notBefore = this.#runtime.monotonicMs() + halfJitterMs(pauseMs, this.#runtime.random());
    return this.#failures;
  }
}
