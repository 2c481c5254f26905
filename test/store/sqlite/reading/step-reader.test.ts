/** Long work runs in pieces: no call blocks the event loop, and no piece reads the whole history. */
import { describe, expect, it } from 'vitest';
import { systemRuntime } from '../../../../src/runtime/runtime.js';
import type { Store } from '../../../../src/store/contract.js';
import { newStep, newSteps, settlement } from '../../../conformance/harness.js';
import { claimed, joined, newCore, newFile, newStore, POD } from '../support/files.js';

/** A store whose yields are counted. */
async function counted(): Promise<{ readonly store: Store; readonly yields: () => number }> {
  let yields = 0;
  const runtime = {
    ...systemRuntime,
    yield: () => {
      yields++;
      return systemRuntime.yield();
    },
  };
  const store = await newStore({ path: newFile() }, runtime);
  await joined(store);
  return { store, yields: () => yields };
}

describe('a call with a long list', () => {
  it('find runs for a few ms at a time, and finds every step', async () => {
    const path = newFile();
    // Each reading of this clock takes 1 ms.
    let now = 0;
    let yields = 0;
    const runtime = {
      ...systemRuntime,
      monotonicMs: () => now++,
      yield: () => {
        yields++;
        return systemRuntime.yield();
      },
    };
    const store = await newStore({ path }, runtime);
    const steps = newSteps(100);
    await store.submit(steps);
    const found = await store.find([...steps.map(({ stepId }) => stepId), 'unknown', steps[0]!.stepId]);
    expect(found.map(({ stepId }) => stepId).sort()).toEqual(steps.map(({ stepId }) => stepId).sort());
    expect(yields).toBeGreaterThanOrEqual(100 / 6);
  });

  it('cancel and retry take a hundred steps at a time', async () => {
    const { store, yields } = await counted();
    const steps = newSteps(450);
    await store.submit(steps);
    const receipts = await store.cancel(
      'token',
      steps.map(({ stepId }) => ({ stepId, version: 0 })),
    );
    expect(receipts).toEqual(steps.map(() => 'cancelled'));
    expect(yields()).toBe(4);
    const retried = await store.retry(steps.map(({ stepId }) => ({ stepId, version: 1 })));
    expect(retried).toEqual(steps.map(() => 'retried'));
    expect(yields()).toBe(8);
  });

  it('settlements beyond one batch run in further transactions, with receipts in order', async () => {
    const { store, yields } = await counted();
    for (let i = 0; i < 6; i++) await store.submit(newSteps(500));
    const claims = [];
    for (let more = true; more;) {
      const taken = await claimed(store, { free: 5_000, types: { work: 5_000 } });
      claims.push(...taken);
      more = taken.length > 0;
    }
    expect(claims).toHaveLength(3_000);
    const settlements = claims.map((claim, n) => settlement(claim, n % 3 === 0 ? { version: 99 } : {}));
    const { receipts, pace } = await store.exchange({ pod: POD, settlements });
    expect(receipts).toEqual(claims.map((_, n) => (n % 3 === 0 ? 'lost' : 'settled')));
    expect(yields()).toBeGreaterThanOrEqual(Math.floor(3_000 / 1_000) - 1);
    expect(pace.waitMs).toBe(0);
    expect(pace.batch).toBeGreaterThanOrEqual(100);
    expect(pace.batch).toBeLessThanOrEqual(1_000);
  });
});

describe('a page', () => {
  it('ends early if it carries too much, and the next one continues', async () => {
    const { store } = await counted();
    const args = 'x'.repeat(200_000);
    await store.submit(Array.from({ length: 30 }, () => newStep({ args })));
    const found: string[] = [];
    let pages = 0;
    for (let after: string | null | undefined; after !== null; pages++) {
      const page = await store.list({ order: 'oldest', limit: 30, ...(after === undefined ? {} : { after }) });
      found.push(...page.steps.map(({ stepId }) => stepId));
      after = page.next;
    }
    expect(new Set(found).size).toBe(30);
    expect(found).toHaveLength(30);
    expect(pages).toBeGreaterThan(2);
  });

  it.each(['x', '-1', '1.5', ''])('refuses the cursor %j', async (after) => {
    const { store } = await counted();
    await expect(store.list({ order: 'oldest', limit: 1, after })).rejects.toMatchObject({
      name: 'ValidationError',
      field: 'after',
    });
  });
});

describe('the counts', () => {
  it('include a step from the exact instant at which it is due', () => {
    const { core } = newCore();
    core.submit(1, [newStep({ delayMs: 9 })]);
    const due = (now: number) => core.countPiece(now, 0, 10).rows.map((row) => row.slice(4));
    expect([9, 10, 14].map(due)).toEqual([[[0, null]], [[1, 0]], [[1, 4]]]);
  });
});

describe('the size of a page', () => {
  it.each(['payload', 'result', 'error'])('counts the characters of the %s', (column) => {
    const { core, connection } = newCore();
    core.submit(1, newSteps(30));
    connection.prepare(`UPDATE STEP_TRACKER SET ${column} = ?`).run(JSON.stringify('x'.repeat(200_000)));
    const { steps, full } = core.listPiece({ order: 'oldest', limit: 100 }, null, 100, 1_000);
    expect(full).toBe(true);
    expect(steps.length).toBeLessThan(15);
  });
});

describe('retention', () => {
  const NOW = 1_000_000;

  function ended(count: number) {
    const { core, connection } = newCore();
    core.submit(1, newSteps(count));
    connection.prepare(`UPDATE STEP_TRACKER SET status = 'completed', due = 0, last_update_ts = 1`).run();
    return { core, connection };
  }

  it('deletes at most 500 rows a piece', () => {
    const { core } = ended(1_200);
    const pieces = [1, 2, 3].map(() => core.prune(NOW, 10, () => 0));
    expect(pieces).toEqual([
      { removed: 500, more: true },
      { removed: 500, more: true },
      { removed: 200, more: false },
    ]);
  });

  it('ends a piece after 10 ms', () => {
    const { core } = ended(1_200);
    let elapsed = 0;
    const { removed, more } = core.prune(NOW, 10, () => (elapsed += 4));
    expect(removed).toBe(60);
    expect(more).toBe(true);
  });

  it('deletes steps that ended before the retention time, not those that ended exactly at it', () => {
    const { core } = ended(1);
    expect(core.prune(101, 100, () => 0).removed).toBe(0);
    expect(core.prune(102, 100, () => 0).removed).toBe(1);
  });

  it('deletes some steps in each piece however slow it is, and reports when none are left', () => {
    const { core } = ended(30);
    const pieces = [1, 2, 3].map(() => core.prune(NOW, 10, () => 1_000));
    expect(pieces).toEqual([
      { removed: 20, more: true },
      { removed: 10, more: false },
      { removed: 0, more: false },
    ]);
  });

  it('deletes incarnations long after their end, but never one that still has a claimed step', () => {
    const { core, connection } = newCore();
    const instant = { now: 1, hostMs: 0, boot: '', wallMs: 1 };
    const registration = { heartbeatMs: 1, deadAfterMs: 1, meta: {} };
    const holder = { podId: 'holder', incarnation: 'holder' };
    const idle = { podId: 'idle', incarnation: 'idle' };
    const alive = { podId: 'alive', incarnation: 'alive' };
    for (const pod of [holder, idle, alive]) core.register(instant, { ...pod, ...registration }, undefined);
    core.submit(1, newSteps(1));
    const claim = { token: 't', free: 1, prefetch: 0, quarantine: 0, types: new Map([['work', 1]]) } as const;
    core.exchange(1, { pod: holder, settlements: [], claim }, 10);
    for (const pod of [holder, idle]) core.leave(pod);
    const known = () => connection.prepare('SELECT pod_id FROM POD_HEALTH ORDER BY 1').pluck().all();
    core.prune(3_600_000, 0, () => 0);
    expect(known()).toEqual(['alive', 'holder', 'idle']);
    core.prune(3_600_002, 0, () => 0);
    expect(known()).toEqual(['alive', 'holder']);
    expect(core.orphans(10)).toMatchObject([{ reason: 'left' }]);
  });
});
