/** A store whose repeated calls, the exchange and the heartbeat, report to an {@link OutageTracker}. */
import type { Store } from './contract.js';
import type { OutageTracker } from './outage-tracker.js';

export function trackedStore(store: Store, outages: OutageTracker): Store {
  const tracked =
    <A extends unknown[], R>(operation: string, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      try {
        const reply = await call(...args);
        outages.succeeded(operation);
        return reply;
      } catch (error) {
        outages.failed(operation, error);
        throw error;
      }
    };
  const overrides: Partial<Store> = {
    exchange: tracked('exchange', (request) => store.exchange(request)),
    heartbeat: tracked('heartbeat', (pod, beat) => store.heartbeat(pod, beat)),
  };
  return new Proxy(store, {
    get(target, key) {
      if (Object.hasOwn(overrides, key)) return overrides[key as keyof Store];
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
