/**
 * Keeps the queue's own work in its own async context (what an `AsyncLocalStorage` sees).
 *
 * Invariants:
 * - Work that outlives a call (a loop, a shared commit, a timer, a thread, a connection) starts in the queue's own
 *   context. In the caller's context it would run as that request, and keep the request's data in memory.
 * - Code of the host (handlers, listeners) runs in a copy of the context. Before Node.js 24, `AsyncLocalStorage.enterWith`
 *   changes the current context, so without the copy one handler would change it for all later ones.
 */
import { AsyncResource } from 'node:async_hooks';

const TYPE = 'FleetQ';

export class QueueContext {
  #origin = new AsyncResource(TYPE);

  /** Makes the caller's context the queue's own. */
  capture(): void {
    this.#origin = new AsyncResource(TYPE);
  }

  /** Calls `work` in the queue's own context. Changes that it makes to the context end with it. */
  run<T>(work: () => T): T {
    return this.#origin.runInAsyncScope(runInContextCopy, undefined, work) as T;
  }
}

/** Calls code of the host in a copy of the current context. Changes that it makes to the context end with it. */
export function runInContextCopy<T>(call: () => T): T;
export function runInContextCopy<A, B, T>(call: (a: A, b: B) => T, a: A, b: B): T;
export function runInContextCopy<A, B, T>(call: (a?: A, b?: B) => T, a?: A, b?: B): T {
  return new AsyncResource(TYPE).runInAsyncScope(call, undefined, a, b);
}
