/** How long handlers of a plan keep their slots because they wait for steps that need them. */
import { expect, it } from 'vitest';
import { NO_HAZARDS } from './no-hazards.js';
import { patienceMs, WAITS_MS } from './patience.js';
import type { Action, Plan } from './plan.js';
import { work } from './theme.js';

const POD = { types: ['plain'], slots: 1, heartbeatMs: 1_000, deadAfterMs: 4_000 };
const WAITS = { does: 'waits for another', forMs: 5 } as const;
const AGAIN: Action = { at: 900, do: 'resubmit', step: 0 };
const KILLER = work(0, { count: 1, behaviour: { does: 'kills its pod once', forMs: 5 } });

const waiting = (count: number, more: Parameters<typeof work>[1] | object = {}): Action =>
  work(0, { count, behaviour: WAITS, maxRetries: 0, ...more });

function patienceOf(...actions: readonly Action[]): number {
  const plan: Plan = { seed: 1, world: 'sqlite', pods: [POD], hazards: NO_HAZARDS, actions, calmAt: 2_000 };
  return patienceMs(plan) / WAITS_MS;
}

it.each<[of: string, waits: number, actions: readonly Action[]]>([
  ['none, if no handler waits', 0, [work(0, { count: 6 }), KILLER, AGAIN]],
  ['one for each handler that waits', 4, [waiting(3), work(0, { count: 6 }), waiting(1)]],
  ['none for handlers that their time-out ends', 1, [waiting(3, { type: 'timed' }), waiting(1)]],
  ['one for a step that is submitted again', 3, [waiting(3, { keyed: true }), AGAIN]],
  ['more for a step that is new each time', 5, [waiting(3, { form: 'without ids' }), AGAIN, AGAIN]],
  ['two for each that two submit as a new step', 6, [waiting(3, { form: 'without ids', keyed: true })]],
  ['two for each whose pod another step may kill', 6, [waiting(3), KILLER]],
])('is %s', (_, waits, actions) => {
  expect(patienceOf(...actions)).toBe(waits);
});
