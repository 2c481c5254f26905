/** Who this process is in the fleet: its permanent podId, and its present incarnation. */
import type { Runtime } from '../runtime/runtime.js';
import type { PodRef } from '../store/contract.js';

export class OwnIncarnation {
  readonly #runtime: Runtime;
  #pod: PodRef;

  /** Chooses the first incarnation before anything is registered, so that a repeated registration is the same one. */
  constructor(runtime: Runtime, podId: string) {
    this.#runtime = runtime;
    this.#pod = { podId, incarnation: runtime.uuid() };
  }

  get pod(): PodRef {
    return this.#pod;
  }

  /** Begins a new incarnation after the old one was evicted. It inherits nothing. */
  renew(): PodRef {
    this.#pod = { podId: this.#pod.podId, incarnation: this.#runtime.uuid() };
    return this.#pod;
  }
}
