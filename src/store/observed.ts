/**
 * A store that tells when it fails and when it answers again.
 *
 * Law: an outage is told once, when the first of the calls that every pod repeats (exchange, heartbeat) fails, and its
 * end once, when each that failed has gone through again. Other calls tell their caller; that is enough.
 */
import { asError, StoreError } from '../errors.js';
import type { Events } from '../events.js';
import type { Log } from '../log.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Store } from './contract.js';

export interface ObserverParts {
  readonly events: Events;
  readonly log: Log;
  readonly runtime: Runtime;
}

/** A call that every pod repeats fails, and has not gone through since. */
export interface StoreOutage {
  readonly operation: string;
  /** What it failed with last. */
  readonly error: Error;
  readonly forMs: number;
}

export interface Observed {
  readonly store: Store;
  /** What fails now; of two, what has failed for longer. */
  readonly outage: () => StoreOutage | undefined;
}

/** Wraps a store so that outages raise `store:error` and `store:recovered`, and can be asked for. */
export function observed(store: Store, { events, log, runtime }: ObserverParts): Observed {
  const failing = new Map<string, { readonly error: Error; readonly since: number }>();
  let downSince = 0;

  const failed = (operation: string, thrown: unknown): void => {
    const error = asError(thrown);
    if (thrown instanceof StoreError && (thrown.code === 'STORE_REFUSED' || thrown.code === 'STORE_CLOSED')) return;
    const now = runtime.monotonicMs();
    if (failing.size === 0) {
      downSince = now;
      log.error({ operation, error: error.message }, 'the store fails');
      events.emit('store:error', { operation, error });
    }
    failing.set(operation, { error, since: failing.get(operation)?.since ?? now });
  };
  const answered = (operation: string): void => {
    if (!failing.delete(operation) || failing.size > 0) return;
    const downMs = runtime.monotonicMs() - downSince;
    log.info({ operation, downMs }, 'the store answers again');
    events.emit('store:recovered', { operation, downMs });
  };
  const watched =
    <A extends unknown[], R>(operation: string, call: (...args: A) => Promise<R>) =>
    async (...args: A): Promise<R> => {
      try {
        const reply = await call(...args);
        if (failing.size > 0) answered(operation);
        return reply;
      } catch (error) {
        failed(operation, error);
        throw error;
      }
    };

  const overrides: Partial<Store> = {
    exchange: watched('exchange', (request) => store.exchange(request)),
    heartbeat: watched('heartbeat', (pod, beat) => store.heartbeat(pod, beat)),
  };
  const proxy = new Proxy(store, {
    get(target, key) {
      if (Object.hasOwn(overrides, key)) return overrides[key as keyof Store];
      const member: unknown = Reflect.get(target, key, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  const outage = (): StoreOutage | undefined => {
    for (const [operation, { error, since }] of failing) {
      return { operation, error, forMs: runtime.monotonicMs() - since };
    }
    return undefined;
  };
  return { store: proxy, outage };
}
