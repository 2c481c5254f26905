/**
 * A store whose calls run in the queue's own async context.
 *
 * Invariants: nothing that a store starts or keeps (connections, threads, watchers, timers, calls that wait in line)
 * belongs to the request that happened to make the call. The caller's `await` continues in the caller's context.
 */
import type { QueueContext } from '../runtime/async-context.js';
import type { Store } from './contract.js';

export function inContext(store: Store, context: QueueContext): Store {
  return new Proxy(store, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      return (...args: readonly unknown[]): unknown =>
        context.run(() => Reflect.apply(member, target, args) as unknown);
    },
  });
}
