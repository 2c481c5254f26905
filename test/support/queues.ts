/** Queues for tests: on a SQLite file of their own, with short intervals, and stopped when the test ends. */
import { join } from 'node:path';
import { FleetQ, type AnyFleetQ, type FleetQOptions, type StoreFactory } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { onTestFinished } from 'vitest';
import { FaultyStore, type FaultPlan } from './faulty-store.js';
import { temporaryFolder } from './temp.js';

/** Options that make a queue react and stop quickly. */
export const QUICK = {
  drainTimeoutMs: 2_000,
  abortGraceMs: 50,
  retry: { baseMs: 1, capMs: 5 },
} as const satisfies FleetQOptions;

/** A SQLite file of its own in a temporary folder. */
export function temporaryPath(): string {
  return join(temporaryFolder(), 'queue.db');
}

/** Stops a queue when the test ends, in any state. */
export function stopped<Q extends Pick<AnyFleetQ, 'stop'>>(queue: Q): Q {
  onTestFinished(() => queue.stop());
  return queue;
}

/** A queue that is stopped when the test ends. It knows no step types yet: register them, then start. */
export function newQueue(options: FleetQOptions & { steps?: undefined } = {}): FleetQ {
  return stopped(new FleetQ({ store: sqlite({ path: ':memory:' }), ...QUICK, ...options }));
}

/** A store whose calls are counted, and fail by plan. */
export interface FaultyFactory extends StoreFactory {
  /** The store, once a queue has opened it. */
  readonly store: FaultyStore;
}

export function faultySqlite(plan?: FaultPlan, path = ':memory:'): FaultyFactory {
  const inner = sqlite({ path });
  let store: FaultyStore | undefined;
  return {
    name: 'sqlite',
    create: async (environment) =>
      (store = new FaultyStore(await inner.create(environment), environment.runtime, plan)),
    get store() {
      if (store === undefined) throw new Error('no queue has opened the store yet');
      return store;
    },
  };
}

/** Resolves with the next such event that `test` accepts. */
export function nextEvent<E extends Parameters<AnyFleetQ['on']>[0]>(
  queue: Pick<AnyFleetQ, 'on'>,
  event: E,
  test: (payload: never) => boolean = () => true,
): Promise<never> {
  return new Promise((resolve) => {
    const remove = queue.on(event, (payload) => {
      if (!test(payload as never)) return;
      remove();
      resolve(payload as never);
    });
  });
}
