/**
 * A store whose repeated calls, the exchange and the heartbeat, report to an {@link OutageTracker}, and whose other calls
 * report to {@link StoreAnswers} as long as that watches.
 */
import type { Store } from './contract.js';
import type { OutageTracker } from './outage-tracker.js';
import type { StoreAnswers } from './store-answers.js';

/** The calls of a process that only submits and reads. */
const CLIENT_CALLS = ['submit', 'find', 'ended', 'list', 'stats', 'cancel', 'retry', 'fleet', 'pulse'] as const;

type Method = (...args: readonly unknown[]) => Promise<unknown>;

export function trackedStore(store: Store, outages: OutageTracker, answers?: StoreAnswers): Store {
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
  const reported = new Map<unknown, Method>(
    CLIENT_CALLS.map((operation) => [operation, reportedCall(store, operation, answers)]),
  );
  return new Proxy(store, {
    get(target, key) {
      if (Object.hasOwn(overrides, key)) return overrides[key as keyof Store];
      const call = answers?.watches === true ? reported.get(key) : undefined;
      if (call !== undefined) return call;
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

function reportedCall(store: Store, operation: (typeof CLIENT_CALLS)[number], answers?: StoreAnswers): Method {
  return (...args) => {
    const reply = (store[operation] as Method)(...args);
    reply.then(
      () => answers?.answered(),
      (error: unknown) => answers?.failed(operation, error),
    );
    return reply;
  };
}
