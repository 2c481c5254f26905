/** The store is away for five minutes: no pod is evicted, and all continue. */
import { expect, test } from 'vitest';
import { rawConnection } from '../store/sqlite/support/files.js';
import { LOOKED, RECOVERED, VirtualFleet } from './support/virtual-fleet.js';

const FIVE_MINUTES = 300_000;

/** Three pods, with steps that run when the outage begins and steps that wait. */
async function atWork(): Promise<VirtualFleet> {
  const fleet = new VirtualFleet();
  for (const podId of ['ada', 'grace', 'mary']) await fleet.add(podId);
  await fleet.submit(...Array.from({ length: 60 }, (_, i) => ({ ms: 400 + 100 * (i % 10) })));
  await fleet.pass(LOOKED);
  expect(fleet.emitted('step:started').length).toBeGreaterThan(20);
  return fleet;
}

async function expectAllGoOn(fleet: VirtualFleet): Promise<void> {
  await fleet.pass(2 * RECOVERED);
  expect(fleet.emitted('pod:dead', 'pod:left')).toEqual([]);
  for (const { queue } of fleet.pods) expect(queue.health().problems).toEqual([]);
  const [again] = await fleet.submit({ ms: 10 });
  await fleet.pass(5_000);
  expect(fleet.runsOf(again)).toHaveLength(1);
  await fleet.expectNothingLost();
}

test.each(['fails', 'hangs', 'loses'] as const)(
  'a store that %s for five minutes costs no pod and no step',
  async (fault) => {
    const fleet = await atWork();
    for (const { line } of fleet.pods) line.breaks(fault);
    await fleet.pass(FIVE_MINUTES);
    for (const { queue } of fleet.pods) expect(queue.health().problems).toContain('the pod is fenced: silent');
    for (const { line } of fleet.pods) line.heals(3_000);
    await expectAllGoOn(fleet);
    for (const { events } of fleet.pods)
      expect(events.of('pod:fenced').map(({ reason }) => reason)).toEqual(['silent']);
    for (const { events } of fleet.pods)
      expect(events.of('store:error').length).toBe(events.of('store:recovered').length);
  },
);

test('a file that another program holds for five minutes costs no pod and no step', async () => {
  const fleet = await atWork();
  const other = rawConnection(fleet.path);
  other.exec('BEGIN IMMEDIATE');
  await fleet.pass(FIVE_MINUTES);
  other.exec('COMMIT');
  await expectAllGoOn(fleet);
});
