import { describe, expect, it } from 'vitest';
import { NO_HAZARDS } from '../plan/no-hazards.js';
import { MEASURED } from '../warehouse/traffic/settings.js';
import { WarehouseFleet } from './support/warehouse-fleet.js';

const HAZARDS = {
  ...NO_HAZARDS,
  lostReply: 0.03,
  failure: 0.03,
  lateApplication: 0.03,
  duplicate: 0.03,
  lateReadMs: 400,
  tokenLateMs: 200,
};

function statusesOf(fleet: WarehouseFleet): Record<string, number> {
  const counts: Record<string, number> = {};
  const { steps, archived } = fleet.world.rows();
  for (const { status } of [...steps, ...archived]) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

describe('a fleet in the modelled warehouse', () => {
  it('of one pod registers, claims and completes a hundred steps without real waiting', async () => {
    const fleet = new WarehouseFleet(1, 1, { hazards: NO_HAZARDS });
    await fleet.start();
    await fleet.submit(100);
    await fleet.completes(100, 60_000);
    expect(statusesOf(fleet)).toEqual({ completed: 100 });
    expect(fleet.root.monotonicMs()).toBeGreaterThan((100 / 5) * 200);
    await fleet.stop();
    expect(fleet.pods[0]?.machine.pending).toBe(0);
  });

  it('of five pods combines its exchanges in the log', async () => {
    const fleet = new WarehouseFleet(2, 5, { hazards: NO_HAZARDS, figures: MEASURED });
    await fleet.start();
    await fleet.submit(300);
    await fleet.completes(300, 120_000);
    expect(statusesOf(fleet)).toEqual({ completed: 300 });
    const { names, mostWaiting, refused } = fleet.world.warehouse.meter.reading;
    expect(names['exchange.ask']).toBeGreaterThan(5);
    expect(names['exchange.exchange']).toBeLessThan(names['exchange.ask'] ?? 0);
    expect({ refused, fewWait: mostWaiting <= 5 }).toEqual({ refused: 0, fewWait: true });
    await fleet.stop();
  });

  it('sleeps without work, so that the warehouse suspends, and wakes for the next step', async () => {
    const fleet = new WarehouseFleet(3, 3, { hazards: { ...NO_HAZARDS, suspendAfterMs: 3_000 } });
    const { power } = fleet.world.warehouse;
    await fleet.start();
    await fleet.submit(20);
    await fleet.completes(20, 60_000);
    await fleet.root.advance(110_000);
    expect(fleet.sleeps.filter((one) => one.endsWith('asleep')).length).toBeGreaterThanOrEqual(3);
    expect(power.isRunning).toBe(false);
    await fleet.submit(1);
    const submittedAt = fleet.root.monotonicMs();
    await fleet.completes(21, 30_000);
    expect(fleet.completed).toBe(21);
    expect(fleet.root.monotonicMs() - submittedAt).toBeLessThan(5_000);
    await fleet.stop();
  });

  it.each([11, 12, 13, 14])('completes every step once under hazards, on seed %i', async (seed) => {
    const fleet = new WarehouseFleet(seed, 5, { hazards: { ...HAZARDS, oldSources: seed % 2 === 0 } });
    const started = Promise.all(fleet.pods.map(({ queue }) => queue.start().catch(() => undefined)));
    await fleet.root.until(started);
    const steps = Array.from({ length: 60 }, (_, i) => ({ type: 'work', args: { i }, stepId: `step-${i}` }));
    const submits = fleet.pods.map(({ queue }) => queue.submitMany(steps).catch(() => undefined)); // all of them the same
    await fleet.root.until(Promise.all(submits));
    await fleet.completes(60, 60_000);
    fleet.world.calm();
    await fleet.root.advance(30_000);
    const { steps: hot, archived } = fleet.world.rows();
    const ends = new Set(
      [...hot, ...archived].filter(({ status }) => status === 'completed').map(({ stepId }) => stepId),
    );
    expect(ends.size).toBe(60);
    await fleet.stop();
    expect(fleet.pods.map(({ machine }) => machine.pending)).toEqual([0, 0, 0, 0, 0]);
  });

  it('does the same on the same seed', async () => {
    const run = async (): Promise<string> => {
      const fleet = new WarehouseFleet(5, 3, { hazards: HAZARDS });
      await fleet.root.until(Promise.all(fleet.pods.map(({ queue }) => queue.start().catch(() => undefined))));
      await fleet.submit(30).catch(() => undefined);
      await fleet.root.advance(20_000);
      fleet.world.calm();
      await fleet.stop();
      return fleet.statements.join('\n');
    };
    expect(await run()).toBe(await run());
  });
});
