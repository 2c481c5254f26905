/**
 * Waits for a condition, with a time limit.
 *
 * Invariants:
 * - Code that changes a value on which the condition depends calls `notify`. Nothing polls.
 * - There is one wait at a time, and it leaves no timer behind.
 */
import type { Runtime } from './runtime.js';

export class Condition {
  readonly #runtime: Runtime;
  #check: (() => void) | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Resolves once the condition holds, or after `limitMs`. */
  until(holds: () => boolean, limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer?.cancel();
        this.#check = undefined;
        resolve();
      };
      const timer = limitMs === Infinity ? undefined : this.#runtime.after(limitMs, done);
      this.#check = () => {
        if (holds()) done();
      };
      this.#check();
    });
  }

  notify(): void {
    this.#check?.();
  }
}
