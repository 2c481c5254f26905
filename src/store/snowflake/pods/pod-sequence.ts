/** A pod's own counter, shared by its heartbeats and its requests: the highest says what the pod is. It only rises. */
import type { Runtime } from '../../../runtime/runtime.js';

export class PodSequence {
  readonly #runtime: Runtime;
  #last = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** It starts at the time of day, so that another handle of the same pod goes on above it. */
  next(): number {
    return (this.#last = Math.max(this.#last + 1, Math.floor(this.#runtime.wallMs())));
  }
}
