/** When an outage begins, when it is over, and what is emitted. */
import { beforeEach, expect, it } from 'vitest';
import { OutageTracker } from '../../src/store/outage-tracker.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { log, RecordedEvents } from '../fleet/support/recorded-events.js';

let runtime: VirtualRuntime;
let recorded: RecordedEvents;
let outages: OutageTracker;
beforeEach(() => {
  runtime = new VirtualRuntime();
  recorded = new RecordedEvents();
  outages = new OutageTracker(runtime, recorded.events, log);
});

it('emits store:error once and store:recovered once, with the time since the first failure', async () => {
  outages.succeeded('journal'); // nothing has failed
  outages.failed('journal', new Error('first'));
  await runtime.advance(1_000);
  outages.failed('journal', new Error('second'));
  await runtime.advance(1_000);
  outages.succeeded('journal');
  outages.succeeded('journal');
  expect(recorded.all).toEqual([
    { name: 'store:error', payload: { operation: 'journal', error: new Error('first') } },
    { name: 'store:recovered', payload: { operation: 'journal', downMs: 2_000 } },
  ]);
});

it('emits again for the next outage', () => {
  for (let times = 0; times < 2; times++) {
    outages.failed('journal', 'a text');
    outages.succeeded('journal');
  }
  expect(recorded.names).toEqual(['store:error', 'store:recovered', 'store:error', 'store:recovered']);
});

it('counts an outage of several operations as one, from the first failure to the last success', async () => {
  outages.failed('exchange', new Error('down'));
  await runtime.advance(1_000);
  outages.failed('heartbeat', new Error('down'));
  outages.succeeded('exchange');
  outages.succeeded('register'); // has not failed
  expect(recorded.names).toEqual(['store:error']);
  expect(outages.current).toMatchObject({ operation: 'heartbeat', forMs: 0 });
  await runtime.advance(1_000);
  outages.succeeded('heartbeat');
  expect(recorded.of('store:recovered')).toEqual([{ operation: 'heartbeat', downMs: 2_000 }]);
  expect(outages.current).toBeUndefined();
});
