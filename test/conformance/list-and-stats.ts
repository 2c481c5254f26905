/** Listing by filters, page by page, and counting. */
import { expect, it } from 'vitest';
import type { ListFilter, StepRecord } from '../../src/store/contract.js';
import { fresh, pendingAgain, ids, newStep, newSteps, settlement, type Harness } from './harness.js';

type Query = Partial<Omit<ListFilter, 'after'>>;

/** Reads all pages; calls `between` after each. */
async function pages(harness: Harness, query: Query, between = async (): Promise<void> => {}): Promise<StepRecord[][]> {
  const filter = { order: 'oldest', limit: 10, ...query } as const;
  const all: StepRecord[][] = [];
  let after: string | null = null;
  do {
    const page = await harness.store.list(after === null ? filter : { ...filter, after });
    expect(page.steps.length).toBeLessThanOrEqual(filter.limit);
    all.push([...page.steps]);
    after = page.next;
    await between();
    expect(all.length).toBeLessThan(1_000);
  } while (after !== null);
  return all;
}

const listed = async (harness: Harness, query: Query) => (await pages(harness, query)).flat();

/** Submits steps at three instants, `each` at every instant. */
async function layers(harness: Harness, each: number): Promise<string[]> {
  const made: string[] = [];
  for (let i = 0; i < 3; i++) {
    const steps = newSteps(each);
    await harness.store.submit([...steps].reverse());
    made.push(...ids(steps));
    await harness.pass(1);
  }
  return made;
}

export function listAndStats(harness: Harness): void {
  paging(harness);
  filters(harness);
  counts(harness);
}

function paging(harness: Harness): void {
  it('lists nothing in an empty store', async () => {
    expect(await harness.store.list({ order: 'oldest', limit: 10 })).toEqual({ steps: [], next: null });
  });

  it.each(['oldest', 'newest'] as const)(
    'says that a page is the last where it is just full, the %s first',
    async (order) => {
      await harness.store.submit(newSteps(3));
      const { steps, next } = await harness.store.list({ order, limit: 3 });
      expect(steps).toHaveLength(3);
      expect(next).toBeNull();
    },
  );

  it('lists whole records', async () => {
    const step = await harness.submit({ args: { deep: [1] } });
    const { steps } = await harness.store.list({ order: 'newest', limit: 1 });
    expect(steps).toEqual([await harness.step(step)]);
  });

  for (const order of ['oldest', 'newest'] as const) {
    it(`pages through all steps, each once, the ${order} first`, async () => {
      const made = await layers(harness, 9);
      for (const limit of [1, 4, 9, 27, 100]) {
        const rows = await listed(harness, { order, limit });
        expect(ids(rows).sort()).toEqual([...made].sort());
        const times = rows.map((row) => row.createdAt);
        expect(times).toEqual([...times].sort((a, b) => (order === 'oldest' ? a - b : b - a)));
      }
    });
  }

  it('lists the newest in exactly the reverse of the oldest', async () => {
    await layers(harness, 5);
    const oldest = ids(await listed(harness, { order: 'oldest', limit: 4 }));
    expect(ids(await listed(harness, { order: 'newest', limit: 3 }))).toEqual(oldest.reverse());
  });

  for (const order of ['oldest', 'newest'] as const) {
    it(`continues after a cursor whose step was removed, the ${order} first`, async () => {
      const pod = await harness.join();
      const steps = newSteps(6);
      for (const step of steps) {
        await harness.store.submit([step]);
        await harness.pass(1);
      }
      const first = await harness.store.list({ order, limit: 3 });
      const [held] = await harness
        .claim(pod, { free: 6 })
        .then((claims) => claims.filter(({ stepId }) => stepId === first.steps[2]!.stepId));
      await harness.settle(pod, settlement(held!));
      await harness.pass(5);
      for (let more = true; more;) ({ more } = await harness.store.prune({ keepMs: harness.tickMs }));
      expect(await harness.store.find([held!.stepId])).toEqual([]);
      const rest = await harness.store.list({ order, limit: 10, after: first.next! });
      const seen = ids([...first.steps, ...rest.steps]);
      expect(seen).toEqual(order === 'oldest' ? ids(steps) : ids(steps).reverse());
    });
  }

  it.each([
    '',
    ' ',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    '99999999999999999999',
    '[]',
    '[1]',
    '[null,"a"]',
    '{}',
    'null',
    "'; --",
  ])('refuses an invalid cursor: %j', async (after) => {
    await harness.submit();
    const listed = harness.store.list({ order: 'oldest', limit: 1, after });
    await expect(listed).rejects.toMatchObject({ code: 'OPTION_INVALID', field: 'after' });
  });

  it('returns no cursor with the last page, even if that is full', async () => {
    await harness.store.submit(newSteps(6));
    const all = await pages(harness, { limit: 3 });
    expect(all.filter((page) => page.length > 0).map((page) => page.length)).toEqual([3, 3]);
  });

  it('lists no step twice and misses none while steps are added between pages', async () => {
    const made = await layers(harness, 4);
    let left = 6;
    const add = async (): Promise<void> => {
      if (left-- > 0) await harness.submit();
    };
    const newest = ids((await pages(harness, { order: 'newest', limit: 2 }, add)).flat());
    expect(newest.filter((id) => made.includes(id)).sort()).toEqual([...made].sort());
    expect(new Set(newest).size).toBe(newest.length);
    left = 6;
    const oldest = ids((await pages(harness, { order: 'oldest', limit: 3 }, add)).flat());
    expect(new Set(oldest).size).toBe(oldest.length);
    expect(oldest.slice(0, made.length).sort()).toEqual([...made].sort());
  });

  it('lists no step twice while steps change their state between pages', async () => {
    const made = await layers(harness, 4);
    const pod = await harness.join();
    const rows = await pages(harness, { limit: 3 }, async () => {
      const [claim] = await harness.claim(pod, { free: 1 });
      if (claim !== undefined) await harness.settle(pod, settlement(claim));
    });
    expect(ids(rows.flat()).sort()).toEqual([...made].sort());
  });
}

function filters(harness: Harness): void {
  it('filters by status', async () => {
    const pod = await harness.join();
    const [done, held] = [await harness.held(pod), await harness.held(pod)];
    await harness.settle(pod, settlement(done));
    const pending = await harness.submit();
    await harness.seen();
    const by = async (...statuses: ListFilter['statuses'] & object) => ids(await listed(harness, { statuses })).sort();
    expect(await by('completed')).toEqual([done.stepId]);
    expect(await by('claimed')).toEqual([held.stepId]);
    expect(await by('pending', 'claimed')).toEqual([pending.stepId, held.stepId].sort());
    expect(await by('failed')).toEqual([]);
  });

  it('filters by the time of creation: from an instant on, and before an instant', async () => {
    const made = await layers(harness, 4);
    await harness.seen();
    const all = await listed(harness, {});
    expect(all).toHaveLength(12);
    const instants = [...new Set(all.map(({ createdAt }) => createdAt))].sort((a, b) => a - b);
    expect(instants.length).toBeGreaterThanOrEqual(3);
    for (const order of ['oldest', 'newest'] as const) {
      for (const instant of [instants[0]! - 1, ...instants, instants.at(-1)! + 1]) {
        const since = all.filter(({ createdAt }) => createdAt >= instant);
        const until = all.filter(({ createdAt }) => createdAt < instant);
        const bySince = await listed(harness, { order, createdFrom: instant, limit: 3 });
        const byUntil = await listed(harness, { order, createdBefore: instant, limit: 3 });
        expect(ids(bySince).sort()).toEqual(ids(since).sort());
        expect(ids(byUntil).sort()).toEqual(ids(until).sort());
      }
    }
    const [from, before] = [instants[1]!, instants.at(-1)!];
    const between = all.filter(({ createdAt }) => createdAt >= from && createdAt < before);
    expect(between.length).toBeGreaterThan(0);
    expect(between.length).toBeLessThan(made.length);
    const range = { createdFrom: from, createdBefore: before };
    expect(ids(await listed(harness, { ...range, limit: 2 })).sort()).toEqual(ids(between).sort());
    expect(await listed(harness, { ...range, types: ['none'] })).toEqual([]);
    expect(await listed(harness, { createdFrom: from, createdBefore: from })).toEqual([]);
  });

  it('filters by type and by holder, and by all together, page by page', async () => {
    const [one, other] = [await harness.join(), await harness.join()];
    const types = ['alpha', 'beta'];
    await harness.store.submit(Array.from({ length: 24 }, (_, i) => newStep({ type: types[i % 2]! })));
    const mine = await harness.claim(one, { free: 8, types: { alpha: 4, beta: 4 } });
    await harness.claim(other, { free: 8, types: { alpha: 4, beta: 4 } });
    expect(await listed(harness, { types: ['alpha'], limit: 5 })).toHaveLength(12);
    expect(await listed(harness, { types: ['alpha', 'beta'], limit: 5 })).toHaveLength(24);
    expect(await listed(harness, { types: ['gamma'] })).toEqual([]);
    expect(ids(await listed(harness, { claimedBy: one.podId, limit: 3 })).sort()).toEqual(ids(mine).sort());
    const all = await listed(harness, {
      claimedBy: one.podId,
      types: ['beta'],
      statuses: ['claimed'],
      order: 'newest',
      limit: 3,
    });
    expect(ids(all).sort()).toEqual(ids(mine.filter((claim) => claim.type === 'beta')).sort());
  });

  it('takes types and holders literally, whatever characters they have', async () => {
    const type = `it's "quoted" % _ \\ ü 🚀 '; --`;
    const pod = await harness.join({ podId: type });
    await harness.submit();
    const claim = await harness.held(pod, { type });
    await harness.seen();
    expect(ids(await listed(harness, { types: [type] }))).toEqual([claim.stepId]);
    expect(ids(await listed(harness, { claimedBy: type }))).toEqual([claim.stepId]);
  });
}

const NONE = { pending: 0, claimed: 0, completed: 0, failed: 0, cancelled: 0 };

function counts(harness: Harness): void {
  it('counts nothing in an empty store', async () => {
    expect(await harness.store.stats()).toEqual({
      byStatus: NONE,
      byType: {},
      pendingByPriority: {},
      due: 0,
      oldestDueMs: null,
    });
  });

  it('counts by status, type and priority, and what is due for how long', async () => {
    const pod = await harness.join();
    const [done, failed, cancelled] = [await harness.held(pod), await harness.held(pod), await harness.held(pod)];
    await harness.settle(pod, settlement(done));
    await harness.settle(pod, settlement(failed, { status: 'failed', error: '{}', result: null }));
    await harness.store.cancel(fresh('cancel'), [cancelled]);
    await harness.held(pod, { type: 'held' });
    await harness.store.submit([
      ...newSteps(2),
      newStep({ priority: -3 }),
      newStep({ priority: 7, delayMs: 3_600_000, type: 'later' }),
    ]);
    await harness.pass(2);
    const stats = await harness.store.stats();
    expect(stats.byStatus).toEqual({ pending: 4, claimed: 1, completed: 1, failed: 1, cancelled: 1 });
    expect(stats.byType).toMatchObject({
      work: { ...NONE, pending: 3 },
      later: { ...NONE, pending: 1 },
      held: { ...NONE, claimed: 1 },
      [done.type]: { ...NONE, completed: 1 },
    });
    expect(stats.pendingByPriority).toEqual({ '0': 2, '-3': 1, '7': 1 });
    expect(stats.due).toBe(3);
    expect(stats.oldestDueMs).toBeGreaterThanOrEqual(2 * harness.tickMs);
    expect(stats.oldestDueMs).toBeLessThan(20 * harness.tickMs);
  });

  it('counts a step as due once its time has come', async () => {
    await harness.submit({ delayMs: harness.tickMs });
    expect(await harness.store.stats()).toMatchObject({ due: 0, oldestDueMs: null });
    await harness.pass(3);
    const { due, oldestDueMs } = await harness.store.stats();
    expect(due).toBe(1);
    expect(oldestDueMs).toBeGreaterThanOrEqual(2 * harness.tickMs);
  });

  it('counts steps of a type that nobody handles as pending', async () => {
    await harness.submit({ type: 'nobody', delayMs: 0 });
    const pod = await harness.join();
    const claim = await harness.held(pod);
    await harness.settle(pod, pendingAgain(claim));
    expect((await harness.store.stats()).byType['nobody']).toEqual({ ...NONE, pending: 1 });
  });
}
