import Database from 'better-sqlite3';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JournalFile } from '../../src/fleet/journal-file.js';
import type { FleetView } from '../../src/store/contract.js';
import { World, type Member } from './support/world.js';

let world: World;
beforeEach(async () => {
  world = new World();
  await world.open();
});
afterEach(() => world.close());

const DEAD_AFTER = 15_000;
const CYCLE = 5_000;
const BEAT = 2_000;

/**
 * A leader, and a pod that died while it held `count` steps with `crashes` each, claimed when it was empty or not. It also
 * held `others`, which were submitted later.
 */
async function afterADeath(
  count: number,
  options = {},
  given = { crashes: 0, alone: false },
  others = 0,
): Promise<{ leader: Member; dead: Member; ids: string[] }> {
  const leader = await world.started('leader', options);
  const dead = await world.started('dead');
  const ids = await world.submit(count);
  for (let i = 0; i < given.crashes; i++) await world.crash(count);
  await world.claim(dead.pod, count, given.alone);
  await world.submit(others);
  if (others > 0) await world.claim(dead.pod, others);
  dead.kill();
  return { leader, dead, ids };
}

const cycles = (pod: Member) => pod.recorded.of('recovery:completed');

describe('a recovery cycle', () => {
  it('evicts the dead and requeues what they held, within dead-after, two cycles and a heartbeat', async () => {
    const { leader, dead, ids } = await afterADeath(3);
    await world.advance(DEAD_AFTER - 1_000);
    expect(await world.statuses(ids)).toEqual({ claimed: 3 });
    await world.advance(1_000 + 2 * CYCLE + BEAT);
    expect(await world.statuses(ids)).toEqual({ pending: 3 });
    const steps = await world.store.find(ids);
    expect(steps.map(({ crashes, retryCount }) => [crashes, retryCount])).toEqual([
      [1, 0],
      [1, 0],
      [1, 0],
    ]);
    expect(leader.recorded.of('pod:dead')).toEqual([
      { ...dead.pod, silentForMs: expect.any(Number), reason: 'silent' },
    ]);
    expect(leader.recorded.of('step:released').map(({ stepId, reason, podId }) => [stepId, reason, podId])).toEqual(
      ids.map((id) => [id, 'orphaned', dead.pod.podId]),
    );
    expect(leader.recorded.of('recovery:started')).toMatchObject([{ dryRun: false }]);
    expect(cycles(leader)).toMatchObject([
      {
        deadPods: [dead.pod],
        orphans: ids,
        requeued: ids,
        failed: [],
        alreadySettled: [],
        error: undefined,
        dryRun: false,
      },
    ]);
    const order = leader.recorded.names.slice(leader.recorded.names.indexOf('recovery:started'));
    expect(order.slice(0, 2)).toEqual(['recovery:started', 'pod:dead']);
    expect(await leader.fleet.recovery.history()).toMatchObject([
      {
        podId: 'leader',
        deadPods: [dead.pod],
        decisions: ids.map((stepId) => ({ stepId, holder: dead.pod, reason: 'evicted', decision: 'requeued' })),
      },
    ]);
  });

  it('wakes the pool of its pod when steps are pending again, and only then', async () => {
    const { leader } = await afterADeath(1);
    expect(leader.pool.wakes).toBe(0);
    await world.advance(DEAD_AFTER + 2 * CYCLE + BEAT);
    expect(leader.pool.wakes).toBe(1);
    await world.advance(2 * CYCLE);
    expect(leader.pool.wakes).toBe(1);
  });

  it('charges no step that a pod still held when it left', async () => {
    const leader = await world.started('leader');
    const other = await world.started('other');
    const ids = await world.submit(2);
    await world.claim(other.pod, 2);
    await world.runtime.until(other.stop());
    await world.advance(CYCLE + BEAT);
    expect((await world.store.find(ids)).map(({ status, crashes }) => [status, crashes])).toEqual([
      ['pending', 0],
      ['pending', 0],
    ]);
    expect(cycles(leader)).toMatchObject([{ deadPods: [], requeued: ids }]);
  });

  it.each([0, 1, 2])('fails a suspect that was alone on a dead pod, with maxCrashes %i', async (maxCrashes) => {
    const { leader, ids } = await afterADeath(1, { maxCrashes }, { crashes: 2, alone: true });
    await world.advance(DEAD_AFTER + 2 * CYCLE + BEAT);
    expect(cycles(leader)).toMatchObject([{ requeued: [], failed: ids }]);
    expect(leader.recorded.of('step:failed')).toMatchObject([{ stepId: ids[0], error: { code: 'STEP_CRASHED_POD' } }]);
  });

  it.each([
    ['the first crash, though it was alone', { crashes: 0, alone: true }, 1],
    ['the second crash, though it was alone', { crashes: 1, alone: true }, 2],
    ['a suspect that was claimed by a pod with other work', { crashes: 2, alone: false }, 2],
  ])('fails no step for %s', async (_, given, crashes) => {
    const { leader, ids } = await afterADeath(1, { maxCrashes: 0 }, given);
    await world.advance(DEAD_AFTER + 2 * CYCLE + BEAT);
    expect(cycles(leader)).toMatchObject([{ requeued: ids, failed: [] }]);
    expect(await world.store.find(ids)).toMatchObject([{ status: 'pending', crashes }]);
  });

  it('fails no suspect beside which its pod held another claim, whatever the token says', async () => {
    const { leader, ids } = await afterADeath(1, { maxCrashes: 0 }, { crashes: 2, alone: true }, 1);
    await world.advance(DEAD_AFTER + 2 * CYCLE + BEAT);
    expect(cycles(leader)).toMatchObject([{ failed: [] }]);
    expect(await world.store.find(ids)).toMatchObject([{ status: 'pending', crashes: 2 }]);
  });

  it('that fails reports that it began, and why it ended early', async () => {
    const leader = await world.started('leader');
    leader.line.breaks('fails', 'orphans');
    await world.advance(CYCLE);
    expect(leader.recorded.of('recovery:started')).toMatchObject([{ dryRun: false }]);
    expect(cycles(leader)).toMatchObject([{ orphans: [], error: { code: 'STORE_UNAVAILABLE' } }]);
    expect(leader.pool.wakes).toBe(0);
    expect(await leader.fleet.recovery.history()).toHaveLength(1);
  });

  it('without anything to do emits nothing, writes nothing, and sends one query', async () => {
    const leader = await world.started('leader');
    await world.advance(20 * CYCLE);
    expect(leader.recorded.names).toEqual(['pod:joined', 'leader:elected']);
    expect(await leader.fleet.recovery.history()).toEqual([]);
    expect([leader.line.count('evict'), leader.line.count('settle')]).toEqual([0, 0]);
    expect(leader.line.count('orphans')).toBeLessThanOrEqual(21);
  });

  it('settles any number of orphans in pages', async () => {
    const { leader, ids } = await afterADeath(1_100);
    await world.advance(DEAD_AFTER + 2 * CYCLE + BEAT);
    expect(await world.statuses(ids)).toEqual({ pending: 1_100 });
    expect(leader.line.count('settle')).toBe(5);
    expect((await leader.fleet.recovery.history())[0]?.requeued).toHaveLength(1_100);
  });

  it('ends if a store keeps showing the same orphans', async () => {
    const { leader } = await afterADeath(3);
    let page: unknown;
    leader.line.after('orphans', (orphans) => (orphans.length > 0 ? (page ??= orphans) : (page ?? orphans)));
    await world.advance(DEAD_AFTER + 2 * CYCLE);
    expect(leader.line.count('settle')).toBeLessThan(8);
  });

  it('leaves what its own incarnation holds alone, also if the store shows that it was evicted', async () => {
    const leader = await world.started('leader');
    const ids = await world.submit(2);
    const claims = await world.claim(leader.pod, 2);
    const shown = claims.map((claim) => ({ ...claim, holder: leader.pod, reason: 'evicted' }));
    leader.line.after('orphans', () => shown);
    await world.advance(2 * CYCLE);
    const dryRun = await world.runtime.until(leader.fleet.recovery.run({ dryRun: true }));
    expect(dryRun.requeued).toEqual([]);
    expect(leader.line.count('settle')).toBe(0);
    expect(await world.statuses(ids)).toEqual({ claimed: 2 });
    expect(leader.recorded.of('recovery:started')).toEqual([]);
  });

  it('stops midway when leadership ends', async () => {
    const { leader, ids } = await afterADeath(1_100);
    leader.line.before('settle', () => leader.fleet.elector.lapse());
    await world.advance(DEAD_AFTER + CYCLE + BEAT);
    const settled = leader.line.count('settle');
    expect(settled).toBeGreaterThan(0);
    expect(cycles(leader)[0]?.requeued).toHaveLength(250);
    leader.line.heals();
    await world.advance(2 * BEAT);
    expect(await world.statuses(ids)).toEqual({ pending: 1_100 });
  });

  it('that was queued until leadership ended evicts no pod and settles nothing', async () => {
    const { leader } = await afterADeath(3);
    await world.advance(3 * CYCLE + 1_000);
    expect(leader.line.count('evict')).toBe(0);
    leader.line.delays(6_000, 'orphans');
    const dry = leader.fleet.recovery.run({ dryRun: true });
    await world.advance(5_000); // the next cycle is in line behind it, and by now the pod is dead
    leader.fleet.elector.lapse();
    leader.line.breaks('hangs', 'heartbeat');
    await world.runtime.until(dry);
    await world.advance(10);
    expect([leader.line.count('evict'), leader.line.count('settle')]).toEqual([0, 0]);
  });

  it('reports no pod as dead that the store did not evict', async () => {
    const { leader } = await afterADeath(1);
    leader.line.after('evict', () => []); // it has sent a heartbeat after all
    await world.advance(DEAD_AFTER + 2 * CYCLE + BEAT);
    expect(leader.line.count('evict')).toBeGreaterThan(0);
    expect(leader.recorded.of('pod:dead')).toEqual([]);
    expect(cycles(leader)[0]).toMatchObject({ deadPods: [], error: undefined });
  });

  it('leaves the event loop free between two pages', async () => {
    const { leader } = await afterADeath(1_100, { recoveryIntervalMs: 600_000 });
    await world.advance(DEAD_AFTER + 2 * BEAT);
    const turns = vi.spyOn(leader.runtime, 'yield');
    const before: number[] = [];
    leader.line.before('settle', () => before.push(turns.mock.calls.length));
    const { requeued } = await world.runtime.until(leader.fleet.recovery.run());
    expect(requeued).toHaveLength(1_100);
    expect(before).toEqual([0, 1, 2, 3, 4]);
  });

  it('gives listeners payloads that nothing else shares', async () => {
    const { leader, ids } = await afterADeath(2, { recoveryIntervalMs: 600_000 });
    await world.advance(DEAD_AFTER + 2 * BEAT);
    leader.recorded.events.on('recovery:completed', ({ requeued }) => void (requeued as string[]).splice(0));
    const { requeued } = await world.runtime.until(leader.fleet.recovery.run());
    expect(requeued).toEqual(ids);
  });

  it('returns a summary that shares nothing with its journal', async () => {
    const { leader, dead, ids } = await afterADeath(2, { recoveryIntervalMs: 600_000 });
    await world.advance(DEAD_AFTER + 2 * BEAT);
    const { requeued, deadPods } = await world.runtime.until(leader.fleet.recovery.run());
    (requeued as string[]).length = 0;
    (deadPods as unknown[]).length = 0;
    expect(await leader.fleet.recovery.history()).toMatchObject([{ requeued: ids, deadPods: [dead.pod] }]);
  });

  it('reports a settlement whose reply was lost in the next cycle', async () => {
    const { leader, ids } = await afterADeath(2);
    leader.line.breaks('loses', 'settle');
    await world.advance(DEAD_AFTER + CYCLE + BEAT);
    expect(await world.statuses(ids)).toEqual({ pending: 2 });
    expect(leader.recorded.of('step:released')).toEqual([]);
    leader.line.heals();
    await world.runtime.until(leader.fleet.recovery.run({ dryRun: true })); // reports nothing about it, and drops nothing
    await world.advance(CYCLE);
    expect(leader.recorded.of('step:released').map(({ stepId }) => stepId)).toEqual(ids);
    expect(cycles(leader).at(-1)).toMatchObject({ requeued: ids, error: undefined });
    expect(cycles(leader)[0]?.error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('leaves a step that was cancelled on a dead pod as it is, before the cycle and during it', async () => {
    const { leader, dead, ids } = await afterADeath(3);
    const held = await world.store.find(ids);
    const receipts: unknown[] = [];
    const cancel = (i: number) => world.store.cancel('by hand', [held[i]!]).then((all) => receipts.push(...all));
    await world.advance(1_000); // no pod knows yet that it is dead
    await world.runtime.until(cancel(0));
    leader.line.before('settle', () => void cancel(1)); // found, and not settled yet
    await world.advance(DEAD_AFTER + 2 * CYCLE + BEAT);
    expect(receipts).toEqual(['cancelled', 'cancelled']);
    const steps = await world.store.find(ids);
    expect(steps.map(({ status, crashes, retryCount }) => [status, crashes, retryCount])).toEqual([
      ['cancelled', 0, 0],
      ['cancelled', 0, 0],
      ['pending', 1, 0],
    ]);
    expect(cycles(leader)).toMatchObject([{ deadPods: [dead.pod], requeued: [ids[2]], failed: [] }]);
    expect(leader.recorded.of('step:released').map(({ stepId }) => stepId)).toEqual([ids[2]]);
    expect(leader.recorded.of('step:failed')).toEqual([]);
    expect(leader.recorded.of('step:cancelled')).toEqual([]); // emitted where it was cancelled
    await world.advance(5 * CYCLE);
    expect(cycles(leader)).toHaveLength(1);
  });

  it('does no harm if two pods run it at once', async () => {
    const { leader, ids } = await afterADeath(600);
    const second = await world.started('second');
    await world.advance(DEAD_AFTER - 4_000);
    leader.line.delays(50, 'orphans');
    second.line.delays(50, 'orphans');
    for (let i = 0; i < 60; i++) {
      void second.fleet.recovery.run({ force: true });
      await world.advance(200);
    }
    expect(await world.statuses(ids)).toEqual({ pending: 600 });
    const released = [leader, second].flatMap(({ recorded }) =>
      recorded.of('step:released').map(({ stepId }) => stepId),
    );
    expect(released.sort()).toEqual([...ids].sort());
    expect([leader, second].flatMap(({ recorded }) => recorded.of('step:lost'))).toEqual([]);
    expect((await world.store.find(ids.slice(0, 500))).every(({ crashes }) => crashes === 1)).toBe(true);
  });
});

describe('leaders', () => {
  it('run a cycle at once when their predecessor has left', async () => {
    const first = await world.started('first');
    const second = await world.started('second');
    const ids = await world.submit(1);
    await world.claim(first.pod, 1);
    await world.runtime.until(first.stop());
    await world.advance(BEAT);
    expect(second.fleet.elector.isLeader).toBe(true);
    expect(await world.statuses(ids)).toEqual({ pending: 1 });
  });

  it('that die cost no more time than any other pod', async () => {
    const first = await world.started('first');
    await world.started('second');
    const ids = await world.submit(1);
    await world.claim(first.pod, 1);
    await world.advance(3_000);
    first.kill();
    await world.advance(DEAD_AFTER + 2 * CYCLE + BEAT);
    expect(await world.statuses(ids)).toEqual({ pending: 1 });
  });

  it.each(['fail', 'overrun'])(
    'whose cycles %s three times in a row are not eligible for ten intervals',
    async (how) => {
      const first = await world.started('first');
      const second = await world.started('second');
      if (how === 'fail') first.line.breaks('fails', 'orphans');
      else first.line.delays(CYCLE + 1_000, 'orphans');
      await world.advance(2 * CYCLE);
      expect(first.fleet.elector.isLeader).toBe(true);
      await world.advance(3 * CYCLE + 2 * BEAT);
      expect([first.fleet.elector.isLeader, second.fleet.elector.isLeader]).toEqual([false, true]);
      first.line.heals();
      await world.advance(7 * CYCLE);
      expect(second.fleet.elector.isLeader).toBe(true);
      await world.advance(3 * CYCLE);
      expect([first.fleet.elector.isLeader, second.fleet.elector.isLeader]).toEqual([true, false]);
    },
  );

  it('whose failures are not three in a row go on leading', async () => {
    const first = await world.started('first');
    await world.started('second');
    for (let times = 0; times < 3; times++) {
      first.line.breaks('fails', 'orphans');
      await world.advance(2 * CYCLE);
      first.line.heals();
      await world.advance(CYCLE);
    }
    expect(first.recorded.of('recovery:completed').length).toBeGreaterThan(3);
    expect(first.fleet.elector.isLeader).toBe(true);
    expect(first.recorded.of('leader:lost')).toEqual([]);
  });

  it('go on leading if there is no other pod', async () => {
    const only = await world.started('only');
    only.line.breaks('fails', 'orphans');
    await world.advance(8 * CYCLE);
    expect(only.fleet.elector.isLeader).toBe(true);
  });
});

describe('recovery by hand', () => {
  it('runs on the leader only, unless forced', async () => {
    const leader = await world.started('leader');
    const other = await world.started('other');
    await expect(other.fleet.recovery.run()).rejects.toMatchObject({ code: 'NOT_LEADER' });
    expect(await leader.fleet.recovery.run()).toMatchObject({ orphans: [], deadPods: [], dryRun: false });
    expect(await other.fleet.recovery.run({ force: true })).toMatchObject({ orphans: [] });
    await expect(world.pod('new').fleet.recovery.run({ force: true })).rejects.toMatchObject({ code: 'NOT_STARTED' });
  });

  it('reports in a dry run what it would do, and writes nothing', async () => {
    const { leader, dead, ids } = await afterADeath(3, { recoveryIntervalMs: 600_000 });
    const left = await world.started('left');
    const more = await world.submit(2);
    await world.claim(left.pod, 2);
    await world.runtime.until(left.stop());
    await world.advance(DEAD_AFTER + 2 * BEAT);
    const writes = () => [leader.line.count('evict'), leader.line.count('settle')];
    const before = writes();
    const summary = await world.runtime.until(leader.fleet.recovery.run({ dryRun: true }));
    expect(summary).toMatchObject({ dryRun: true, deadPods: [dead.pod], failed: [], alreadySettled: [] });
    expect([...summary.requeued].sort()).toEqual([...ids, ...more].sort());
    expect(writes()).toEqual(before);
    expect(await world.statuses([...ids, ...more])).toEqual({ claimed: 5 });
    expect(await leader.fleet.recovery.history()).toEqual([]);
    expect(leader.pool.wakes).toBe(0);
    const done = await world.runtime.until(leader.fleet.recovery.run());
    expect([...done.requeued].sort()).toEqual([...ids, ...more].sort());
    await world.runtime.until(leader.fleet.recovery.run()); // with the same view of the fleet
    expect(leader.recorded.of('pod:dead')).toHaveLength(1);
    expect(Object.keys(done).sort()).toEqual(
      [
        'cycleId',
        'deadPods',
        'dryRun',
        'durationMs',
        'failed',
        'alreadySettled',
        'orphans',
        'requeued',
        'startedAt',
      ].sort(),
    );
  });

  it('reports in a dry run what the dead incarnation held, and nothing of its successor', async () => {
    const { leader, dead, ids } = await afterADeath(300, { recoveryIntervalMs: 600_000 });
    await world.advance(10);
    const next = await world.started('dead');
    const more = await world.submit(2);
    await world.claim(next.pod, 2);
    await world.advance(DEAD_AFTER + 2 * BEAT);
    const summary = await world.runtime.until(leader.fleet.recovery.run({ dryRun: true }));
    expect(summary.deadPods).toEqual([dead.pod]);
    expect([...summary.requeued].sort()).toEqual([...ids].sort());
    expect(await world.statuses(more)).toEqual({ claimed: 2 });
  });

  it('takes the only claim of a dead pod for one that was alone, in a dry run', async () => {
    const { leader, ids } = await afterADeath(1, { recoveryIntervalMs: 600_000 }, { crashes: 3, alone: true });
    await world.advance(DEAD_AFTER + 2 * BEAT);
    const summary = await world.runtime.until(leader.fleet.recovery.run({ dryRun: true }));
    expect(summary).toMatchObject({ failed: ids, requeued: [] });
  });

  it('waits for the cycles before it', async () => {
    const { leader } = await afterADeath(3, { recoveryIntervalMs: 600_000 });
    await world.advance(DEAD_AFTER + 2 * BEAT);
    leader.line.delays(100);
    let under = 0;
    leader.line.before('orphans', () => expect(++under).toBe(1));
    leader.line.after('orphans', (reply) => (under--, reply));
    const runs = [
      leader.fleet.recovery.run(),
      leader.fleet.recovery.run(),
      leader.fleet.recovery.run({ dryRun: true }),
    ];
    const summaries = await world.runtime.until(Promise.all(runs));
    expect(summaries.map(({ orphans }) => orphans.length)).toEqual([3, 0, 0]);
  });

  it('rejects with what the store threw, and the next one succeeds', async () => {
    const leader = await world.started('leader');
    leader.line.breaks('fails', 'orphans');
    await expect(leader.fleet.recovery.run()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    leader.line.heals();
    await leader.fleet.recovery.run();
  });

  it('is refused on a fenced pod, also when forced', async () => {
    const leader = await world.started('leader');
    leader.runtime.suspend(60_000);
    await expect(leader.fleet.recovery.run({ force: true })).rejects.toMatchObject({ code: 'NOT_LEADER' });
  });
});

it('begins a cycle at once when a process has provably exited', async () => {
  const leader = await world.started('leader', { recoveryIntervalMs: 600_000 });
  const other = await world.started('other');
  await world.advance(BEAT);
  leader.line.after('heartbeat', (view: FleetView) => ({
    ...view,
    pods: view.pods.map((each) => ({ ...each, exited: each.pod.podId === 'other' })),
  }));
  await world.advance(BEAT);
  expect(leader.line.count('evict')).toBeGreaterThan(0);
  expect(other.recorded.of('pod:fenced')).toEqual([]); // this store cannot prove it
});

describe('the journal of a pod', () => {
  let folder: string;
  let journalPath: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'recovery-'));
    journalPath = join(folder, 'journal.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is opened when the pod is first elected, not before', async () => {
    const first = await world.started('first');
    await world.started('second', { journalPath });
    await world.advance(2 * CYCLE);
    expect(existsSync(journalPath)).toBe(false);
    await world.runtime.until(first.stop());
    await world.advance(BEAT);
    await vi.waitFor(() => expect(existsSync(journalPath)).toBe(true), { interval: 1 });
  });

  it('gets the cycle that a stop ended early, and is closed after that', async () => {
    const close = vi.spyOn(Database.prototype, 'close');
    const { leader, dead } = await afterADeath(3, { recoveryIntervalMs: 600_000, journalPath });
    await world.advance(DEAD_AFTER + 2 * BEAT);
    leader.line.breaks('hangs', 'settle');
    const run = expect(leader.fleet.recovery.run()).rejects.toMatchObject({ code: 'STOPPED' });
    await world.advance(100);
    await world.runtime.until(leader.fleet.recovery.stop());
    await run;
    expect(close.mock.contexts.filter((it) => (it as Database.Database).name === journalPath)).toHaveLength(1);
    const file = await JournalFile.open(world.runtime, journalPath);
    expect(await file.read(10)).toMatchObject([{ deadPods: [dead.pod], error: { code: 'STOPPED' } }]);
    file.close();
  });
});

it('stops though a cycle hangs, and rejects the call that waits for one', async () => {
  const leader = await world.started('leader');
  leader.line.breaks('hangs', 'orphans');
  const run = expect(leader.fleet.recovery.run()).rejects.toMatchObject({ code: 'STOPPED' });
  await world.advance(CYCLE);
  await world.runtime.until(leader.stop());
  await run;
  expect(leader.runtime.pending).toBe(0);
  expect(leader.recorded.of('recovery:started')).toEqual([]); // a stop is no failure
});
