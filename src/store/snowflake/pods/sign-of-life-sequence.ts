/** A pod's own counter, shared by its heartbeats and its requests. The sign with the highest number says what the pod is. */
import type { Runtime } from '../../../runtime/runtime.js';

export class SignOfLifeSequence {
  readonly #runtime: Runtime;
  #last = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Always above the last. It starts at the wall clock, so that another store of the same pod continues above it. */
  next(): number {
    return (this.#last = Math.max(this.#last + 1, Math.floor(this.#runtime.wallMs())));
  }
}
