import { afterEach, beforeEach, expect, it } from 'vitest';
import { World } from './support/world.js';

let world: World;
beforeEach(async () => {
  world = new World();
  await world.open();
});
afterEach(() => world.close());

/** Steps that have ended. */
async function ended(count: number): Promise<string[]> {
  const ids = await world.submit(count);
  for (let from = 0; from < count; from += 500) {
    const steps = ids.slice(from, from + 500).map((stepId) => ({ stepId, version: 0 }));
    const found = await world.runtime.until(world.store.find(steps.map(({ stepId }) => stepId)));
    await world.runtime.until(world.store.cancel(world.runtime.uuid(), found));
  }
  return ids;
}

it('removes what is past its retention, in pieces, and only that', async () => {
  const old = await ended(1_200);
  await world.advance(3_600_000);
  const fresh = await ended(3);
  const pod = await world.started('a', { retentionMs: 1_800_000 });
  await world.advance(0);
  expect(await world.statuses(old)).toEqual({});
  expect(await world.statuses(fresh)).toEqual({ cancelled: 3 });
  expect(pod.line.count('prune')).toBeGreaterThanOrEqual(3);
});

it('rests when nothing is left to remove', async () => {
  const pod = await world.started('a');
  await world.advance(600_000);
  expect(pod.line.count('prune')).toBeLessThanOrEqual(11);
});

it('runs on the leader only', async () => {
  const [a, b] = [await world.started('a'), await world.started('b')];
  await world.advance(300_000);
  expect(a.line.count('prune')).toBeGreaterThan(3);
  expect(b.line.count('prune')).toBe(0);
});

it('begins at once when a pod becomes the leader', async () => {
  const [a, b] = [await world.started('a'), await world.started('b')];
  await world.advance(10_000);
  await world.runtime.until(a.stop());
  await world.advance(2_000);
  expect(b.fleet.elector.isLeader).toBe(true);
  expect(b.line.count('prune')).toBe(1);
});

it('ends between two pieces when leadership ends', async () => {
  const pod = await world.started('a');
  pod.line.after('prune', () => ({ removed: 500, more: true }));
  pod.line.before('prune', () => pod.line.count('prune') === 4 && pod.fleet.elector.lapse());
  await world.advance(60_000);
  expect(pod.line.count('prune')).toBe(4);
});

it('goes on after the store has failed', async () => {
  const pod = await world.started('a');
  pod.line.breaks('fails', 'prune');
  await world.advance(300_000);
  const before = pod.line.count('prune');
  pod.line.heals();
  await world.advance(120_000);
  expect(before).toBeGreaterThan(3);
  expect(pod.line.count('prune')).toBeGreaterThan(before);
});

it('stops though a piece hangs', async () => {
  const pod = world.pod('a');
  pod.line.breaks('hangs', 'prune');
  await world.runtime.until(pod.start());
  await world.advance(1_000);
  await world.runtime.until(pod.stop());
  expect(pod.runtime.pending).toBe(0);
});
