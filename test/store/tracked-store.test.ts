/** Which of a store's calls count as an outage, and when it is reported. */
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../src/errors.js';
import { Events, type AnySteps, type EventPayloads } from '../../src/events.js';
import { createLog } from '../../src/log.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import type { Store } from '../../src/store/contract.js';
import { OutageTracker } from '../../src/store/outage-tracker.js';
import { trackedStore } from '../../src/store/tracked-store.js';

const REQUEST = { pod: { podId: 'pod', incarnation: 'life' }, settlements: [] };
const BEAT = { eligible: true, asleep: false, meta: {} };
const DOWN = new StoreError('STORE_UNAVAILABLE', 'down', true);

/** A store whose methods need it as `this`, and whose calls fail on request. */
class FailingStore {
  readonly name = 'failing';
  readonly #failing = new Map<string, Error>();

  fail(operation: string, error: Error = DOWN): void {
    this.#failing.set(operation, error);
  }

  mend(operation: string): void {
    this.#failing.delete(operation);
  }

  async #answer(operation: string): Promise<string> {
    const error = this.#failing.get(operation);
    if (error !== undefined) throw error;
    return operation;
  }

  exchange = (): Promise<string> => this.#answer('exchange');
  heartbeat = (): Promise<string> => this.#answer('heartbeat');

  pulse(): Promise<string> {
    return this.#answer('pulse');
  }
}

function world() {
  const runtime = new VirtualRuntime();
  const log = createLog('test');
  const events = new Events(log);
  const emitted: unknown[] = [];
  events.on(
    'store:error',
    ({ operation, error }: EventPayloads<AnySteps>['store:error']) =>
      void emitted.push(['error', operation, error.message]),
  );
  events.on(
    'store:recovered',
    ({ operation, downMs }: EventPayloads<AnySteps>['store:recovered']) =>
      void emitted.push(['recovered', operation, downMs]),
  );
  const failing = new FailingStore();
  const outages = new OutageTracker(runtime, events, log);
  const store = trackedStore(failing as unknown as Store, outages);
  const exchange = () => store.exchange(REQUEST).catch((error: unknown) => error);
  const heartbeat = () => store.heartbeat(REQUEST.pod, BEAT).catch((error: unknown) => error);
  return { runtime, failing, store, outages, emitted, exchange, heartbeat };
}

describe('an outage', () => {
  it('is reported once, however many calls fail, and its end once, when each call that failed has succeeded', async () => {
    const { runtime, failing, emitted, exchange, heartbeat } = world();
    failing.fail('exchange');
    failing.fail('heartbeat');
    expect(await exchange()).toBe(DOWN);
    expect(await heartbeat()).toBe(DOWN);
    await exchange();
    await runtime.advance(5_000);
    failing.mend('exchange');
    expect(await exchange()).toBe('exchange');
    expect(emitted).toEqual([['error', 'exchange', 'down']]);
    failing.mend('heartbeat');
    await heartbeat();
    await heartbeat();
    expect(emitted).toEqual([
      ['error', 'exchange', 'down'],
      ['recovered', 'heartbeat', 5_000],
    ]);
  });

  it('shows the call that has failed for longest, with its last error and the time since its first', async () => {
    const { runtime, failing, outages, exchange, heartbeat } = world();
    expect(outages.current).toBeUndefined();
    failing.fail('exchange');
    await exchange();
    await runtime.advance(1_000);
    failing.fail('heartbeat');
    await heartbeat();
    const again = new Error('still down');
    failing.fail('exchange', again);
    await runtime.advance(1_000);
    await exchange();
    expect(outages.current).toEqual({ operation: 'exchange', error: again, forMs: 2_000 });
    failing.mend('exchange');
    await exchange();
    expect(outages.current).toEqual({ operation: 'heartbeat', error: DOWN, forMs: 1_000 });
  });

  it.each(['STORE_REFUSED', 'STORE_CLOSED'] as const)('does not begin if the store answers %s', async (code) => {
    const { failing, outages, emitted, exchange } = world();
    const error = new StoreError(code, 'no', false);
    failing.fail('exchange', error);
    expect(await exchange()).toBe(error);
    expect(outages.current).toBeUndefined();
    expect(emitted).toEqual([]);
  });

  it('does not begin if any other call fails: it rejects to its caller', async () => {
    const { failing, store, outages } = world();
    failing.fail('pulse');
    await expect(store.pulse()).rejects.toBe(DOWN);
    expect(outages.current).toBeUndefined();
    failing.mend('pulse');
    expect(await store.pulse()).toBe('pulse');
    expect(store.name).toBe('failing');
  });
});
