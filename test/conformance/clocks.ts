/** Clocks: a user's `runAt` is an instant of the real world as the store knows it, whatever the clock of a pod says. */
import { expect, it } from 'vitest';
import type { Store } from '../../src/store/contract.js';
import { fresh, pendingAgain, ids, type Harness } from './harness.js';

const HOUR = 3_600_000;
/** The longest round trip, in ms. */
const ROUND_TRIP = 60_000;

export function clocks(harness: Harness): void {
  const wrongBy = [
    ['ahead', HOUR],
    ['behind', -HOUR],
  ] as const;

  /** A process with a wrong wall clock; `undefined` for a store in memory, which has no other process. */
  async function wrong(aheadMs: number): Promise<Store | undefined> {
    const other = await harness.another(aheadMs);
    return other === harness.store ? undefined : other;
  }

  it('reports a wall clock that agrees as not ahead', async () => {
    const pod = await harness.join();
    const { wallAheadMs } = await harness.store.heartbeat(pod, { eligible: true, asleep: false, meta: {} });
    expect(Math.abs(wallAheadMs)).toBeLessThan(1_000);
  });

  it.each(wrongBy)('reports how far a wall clock is %s', async (_direction, aheadMs) => {
    await harness.beat(await harness.join());
    const other = await wrong(aheadMs);
    if (other === undefined) return;
    const pod = await harness.join({}, other);
    for (let beats = 0; beats < 2; beats++) {
      const { wallAheadMs } = await other.heartbeat(pod, { eligible: true, asleep: false, meta: {} });
      expect(Math.abs(wallAheadMs - aheadMs)).toBeLessThan(ROUND_TRIP);
    }
  });

  it.each(wrongBy)(
    'starts a step at runAt if the wall clock of its submitter and its holder is an hour %s',
    async (_, aheadMs) => {
      await harness.beat(await harness.join());
      const other = await wrong(aheadMs);
      if (other === undefined) return;
      const pod = await harness.join({}, other);
      await other.heartbeat(pod, { eligible: true, asleep: false, meta: {} });
      const type = fresh('type');
      const step = { runAt: Date.now() + 2 * harness.tickMs, type, types: { [type]: 1 } };
      const { stepId } = await harness.submit({ type, runAt: step.runAt });
      await harness.pass(1);
      expect(await harness.claim(pod, { types: step.types }, other)).toEqual([]);
      await harness.pass(2);
      expect(ids(await harness.claim(pod, { types: step.types }, other))).toEqual([stepId]);
    },
  );

  it('shows the submitted runAt, to the holder too, until a retry is delayed', async () => {
    const pod = await harness.join();
    const runAt = Date.now() + harness.tickMs;
    const type = fresh('type');
    const step = await harness.submit({ type, runAt });
    expect(await harness.step(step)).toMatchObject({ runAt });
    await harness.pass(2);
    const claim = await harness.claimOne(pod, { types: { [type]: 1 } });
    expect(claim.runAt).toBe(runAt);
    await harness.settle(pod, pendingAgain(claim));
    expect(await harness.step(step)).toMatchObject({ runAt });
    const again = await harness.claimOne(pod, { types: { [type]: 1 } });
    await harness.settle(pod, pendingAgain(again, { delayMs: 60_000, charge: 1 }));
    const { runAt: later } = await harness.step(step);
    expect(later).toBeGreaterThan(runAt + harness.tickMs);
  });
}
