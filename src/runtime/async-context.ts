/**
 * The async context (what an `AsyncLocalStorage` sees) in which a queue does its own work.
 *
 * Invariants:
 * - Work that outlives a call (a loop, a shared commit, a timer, a thread, a connection) starts in the queue's own
 *   context. In the caller's it would run as that request, and keep the request's data in memory.
 * - Code of the host (handlers, listeners) runs in a context of its own. `AsyncLocalStorage.enterWith` changes the
 *   context that is current on Node.js before 24, so without this a handler would change it for all that come after.
 */
import { AsyncResource } from 'node:async_hooks';

const TYPE = 'FleetQ';

export class QueueContext {
  #origin = new AsyncResource(TYPE);

  /** From now on the own context is that of this call. */
  capture(): void {
    this.#origin = new AsyncResource(TYPE);
  }

  /** Calls `work` in the own context. What it does to its context ends with it. */
  run<T>(work: () => T): T {
    return this.#origin.runInAsyncScope(runInContextCopy, undefined, work) as T;
  }
}

/** Calls code of the host in a copy of the current context, so that what it does to its context ends with it. */
export function runInContextCopy<T>(call: () => T): T;
export function runInContextCopy<A, B, T>(call: (a: A, b: B) => T, a: A, b: B): T;
export function runInContextCopy<A, B, T>(call: (a?: A, b?: B) => T, a?: A, b?: B): T {
  return new AsyncResource(TYPE).runInAsyncScope(call, undefined, a, b);
}
