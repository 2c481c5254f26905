/**
 * Wraps a store so that its calls run in the queue's own async context.
 *
 * Invariants:
 * - Nothing that a store starts or keeps (connections, threads, watchers, timers, queued calls) belongs to the request that
 *   made the call.
 * - The caller's `await` continues in the caller's context.
 */
import type { QueueContext } from '../runtime/async-context.js';
import type { Store } from './contract.js';

export function storeInContext(store: Store, context: QueueContext): Store {
  return new Proxy(store, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      return (...args: readonly unknown[]): unknown =>
        context.run(() => Reflect.apply(member, target, args) as unknown);
    },
  });
}
