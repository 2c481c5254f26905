/** Waits for a condition, up to a time. Whoever changes what it is about calls `look`. */
import type { Runtime } from './runtime.js';

export class Condition {
  readonly #runtime: Runtime;
  #look: (() => void) | undefined;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Resolves once the condition holds, or after so many ms. One wait at a time. */
  until(holds: () => boolean, atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer?.cancel();
        this.#look = undefined;
        resolve();
      };
      const timer = atMostMs === Infinity ? undefined : this.#runtime.after(atMostMs, done);
      this.#look = () => {
        if (holds()) done();
      };
      this.#look();
    });
  }

  look(): void {
    this.#look?.();
  }
}
