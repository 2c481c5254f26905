/** An operation that fails again and again. */
import { beforeEach, expect, it } from 'vitest';
import { Outage } from '../../src/fleet/outage.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { log, Told } from './support/told.js';

let runtime: VirtualRuntime;
let told: Told;
let outage: Outage;
beforeEach(() => {
  runtime = new VirtualRuntime();
  told = new Told();
  outage = new Outage({ runtime, log, events: told.events }, 'journal');
});

it('is reported once when it begins and once when it is over, with how long it lasted since its first failure', async () => {
  outage.over(); // nothing has failed
  outage.failed(new Error('first'));
  await runtime.advance(1_000);
  outage.failed(new Error('second'));
  await runtime.advance(1_000);
  outage.over();
  outage.over();
  expect(told.all).toEqual([
    { name: 'store:error', payload: { operation: 'journal', error: new Error('first') } },
    { name: 'store:recovered', payload: { operation: 'journal', downMs: 2_000 } },
  ]);
});

it('is reported again when it comes again', () => {
  for (let times = 0; times < 2; times++) {
    outage.failed('a text');
    outage.over();
  }
  expect(told.names).toEqual(['store:error', 'store:recovered', 'store:error', 'store:recovered']);
});
