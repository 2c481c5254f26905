/** Claiming: in order, by type and limit, free slots before prefetched steps. */
import { expect, it } from 'vitest';
import { claimRequest, fresh, pendingAgain, ids, newStep, newSteps, settlement, type Harness } from './harness.js';

/** A store may round instants to whole ms. */
const ROUNDING_MS = 2;

export function claiming(harness: Harness): void {
  order(harness);
  limits(harness);
  replies(harness);
}

function order(harness: Harness): void {
  it('claims by priority, then by due time, then in the order of submission', async () => {
    const step = (name: string, priority: number, runAt: number) => newStep({ stepId: name, priority, runAt });
    const [a, b, c, d, e] = [
      step('e', 5, 3_000),
      step('c', 5, 2_000),
      step('d', 5, 2_000),
      step('b', 9, 4_000),
      step('a', -1, 1_000),
    ];
    await harness.store.submit([a, b, c, d, e]);
    expect(ids(await harness.claim(await harness.join()))).toEqual(['b', 'c', 'd', 'e', 'a']);
  });

  it('claims steps of equal rank in the order of submission, whatever their ids: a batch in its own order, one batch after another', async () => {
    const batches = [
      ['m', 'z', 'a', 'q'],
      ['n', 'b'],
      ['k', 'c', 'y'],
    ].map((names) => names.map((stepId) => newStep({ stepId, runAt: 1_000 })));
    for (const batch of batches) await harness.store.submit(batch);
    const pod = await harness.join();
    expect(ids(await harness.claim(pod, { free: 2 }))).toEqual(['m', 'z']);
    expect(ids(await harness.claim(pod, { free: 10 }))).toEqual(['a', 'q', 'n', 'b', 'k', 'c', 'y']);
  });

  it('keeps the rank of a released step among its equals', async () => {
    const pod = await harness.join();
    const [first, second] = [newStep({ runAt: 1_000 }), newStep({ runAt: 1_000 })];
    await harness.store.submit([first, second]);
    const [claim] = await harness.claim(pod, { free: 1 });
    await harness.settle(pod, pendingAgain(claim!));
    expect(ids(await harness.claim(pod))).toEqual(ids([first, second]));
  });

  it('claims the step that has been due longest first, whenever it was submitted', async () => {
    const early = await harness.submit();
    const delayed = await harness.submit({ delayMs: harness.tickMs });
    await harness.pass(2);
    const late = await harness.submit();
    expect(ids(await harness.claim(await harness.join()))).toEqual(ids([early, delayed, late]));
  });

  it('claims a delayed step of high priority first once it is due', async () => {
    const pod = await harness.join();
    const delayed = await harness.submit({ delayMs: harness.tickMs, priority: 10 });
    const plain = await harness.submit();
    await harness.pass(1);
    expect(ids(await harness.claim(pod, { free: 1 }))).toEqual([delayed.stepId]);
    expect(ids(await harness.claim(pod, { free: 1 }))).toEqual([plain.stepId]);
  });

  it('claims steps of several types in one order', async () => {
    const steps = newSteps(6).map((step, i) =>
      newStep({ ...step, type: i % 2 === 0 ? 'even' : 'odd', runAt: 1_000 + i }),
    );
    await harness.store.submit([...steps].reverse());
    expect(ids(await harness.claim(await harness.join(), { types: { odd: 10, even: 10 } }))).toEqual(ids(steps));
  });

  it('keeps the turn of a step that was released without a delay', async () => {
    const pod = await harness.join();
    const steps = newSteps(3);
    await harness.store.submit(steps);
    await harness.pass(1);
    const [first] = await harness.claim(pod, { free: 1 });
    await harness.settle(pod, pendingAgain(first!));
    expect(ids(await harness.claim(pod))).toEqual(ids(steps));
  });
}

function limits(harness: Harness): void {
  it('claims only the requested types', async () => {
    await harness.store.submit([newStep({ type: 'other' })]);
    const mine = await harness.submit();
    const pod = await harness.join();
    expect(ids(await harness.claim(pod))).toEqual([mine.stepId]);
    expect(await harness.claim(pod, { types: {} })).toEqual([]);
  });

  it('claims steps of types named like properties of every object', async () => {
    const types = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '0'];
    await harness.store.submit(types.map((type) => newStep({ type })));
    const pod = await harness.join();
    const claims = await harness.claim(pod, { types: new Map(types.map((type) => [type, 1])) });
    expect(claims.map(({ type }) => type)).toEqual(types);
    await harness.seen();
    const { byType } = await harness.store.stats();
    expect(Object.keys(byType).sort()).toEqual([...types].sort());
    for (const type of types) expect(Object.entries(byType).find(([name]) => name === type)?.[1].claimed).toBe(1);
  });

  it('claims no more of a type than its limit, and goes on with the others', async () => {
    await harness.store.submit(newSteps(5, { type: 'narrow', priority: 1 }));
    await harness.store.submit(newSteps(5, { type: 'wide' }));
    const claims = await harness.claim(await harness.join(), { free: 6, types: { narrow: 2, wide: 100, none: 3 } });
    expect(claims.map((claim) => claim.type)).toEqual(['narrow', 'narrow', 'wide', 'wide', 'wide', 'wide']);
  });

  it('claims nothing of a type with limit 0', async () => {
    await harness.submit({ type: 'barred' });
    expect(await harness.claim(await harness.join(), { types: { barred: 0 } })).toEqual([]);
  });

  it('claims free and prefetch together and no more, the free ones first', async () => {
    const steps = newSteps(8);
    await harness.store.submit(steps);
    const pod = await harness.join();
    expect(ids(await harness.claim(pod, { free: 2, prefetch: 3 }))).toEqual(ids(steps.slice(0, 5)));
    expect(await harness.claim(pod, { free: 0, prefetch: 0 })).toEqual([]);
    expect(ids(await harness.claim(pod, { free: 0, prefetch: 2 }))).toEqual(ids(steps.slice(5, 7)));
  });

  it('applies the limit of a type to free and prefetch together', async () => {
    await harness.store.submit(newSteps(8));
    expect(await harness.claim(await harness.join(), { free: 2, prefetch: 5, types: { work: 3 } })).toHaveLength(3);
  });

  it('claims for a pod with two hundred types', async () => {
    const types = Array.from({ length: 200 }, (_, i) => `type-${i}`);
    const steps = types.map((type, i) => newStep({ type, runAt: i }));
    await harness.store.submit(steps);
    const claims = await harness.claim(await harness.join(), {
      free: 200,
      types: Object.fromEntries(types.map((type) => [type, 1])),
    });
    expect(ids(claims)).toEqual(ids(steps));
  });

  it('claims steps behind a large backlog of other types and of future steps', async () => {
    await harness.store.submit(newSteps(100, { type: 'other', priority: 100 }));
    await harness.store.submit(newSteps(100, { delayMs: 3_600_000, priority: 100 }));
    const mine = await harness.submit();
    expect(ids(await harness.claim(await harness.join(), { free: 1 }))).toEqual([mine.stepId]);
  });
}

function replies(harness: Harness): void {
  it('marks the row as claimed by this pod and incarnation, at a higher version', async () => {
    const pod = await harness.join();
    const step = await harness.submit({ priority: 3, maxRetries: 5, args: ['a'] });
    const before = await harness.step(step);
    const token = fresh('token');
    const claim = await harness.claimOne(pod, { token });
    const { stepId, type, payload, priority, maxRetries } = step;
    const { runAt, createdAt } = before;
    expect(claim).toEqual(
      expect.objectContaining({ stepId, type, payload, priority, maxRetries, runAt, createdAt, claimToken: token }),
    );
    expect(claim).toMatchObject({ retryCount: 0, crashes: 0 });
    expect(claim.version).toBeGreaterThan(before.version);
    const { version } = claim;
    expect(await harness.step(step)).toMatchObject({
      status: 'claimed',
      claimedBy: pod.podId,
      claimedIncarnation: pod.incarnation,
      version,
    });
  });

  it('does not give a claimed step to anybody else', async () => {
    await harness.submit();
    expect(await harness.claim(await harness.join())).toHaveLength(1);
    expect(await harness.claim(await harness.join())).toEqual([]);
  });

  it('claims nothing without a claim request', async () => {
    const pod = await harness.join();
    const step = await harness.submit();
    expect(await harness.exchange({ pod, settlements: [] })).toMatchObject({ receipts: [], claims: [] });
    expect((await harness.step(step)).status).toBe('pending');
  });

  it('settles before it claims: an exchange can claim a step that it released', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod, { type: 'work' });
    const reply = await harness.exchange({ pod, settlements: [pendingAgain(claim)], claim: claimRequest() });
    expect(reply.receipts).toEqual(['settled']);
    const [again] = reply.claims.length > 0 ? reply.claims : await harness.claim(pod);
    expect(again?.stepId).toBe(claim.stepId);
    expect(again!.version).toBeGreaterThan(claim.version);
  });

  it('returns when the next step of the requested types is due', async () => {
    const pod = await harness.join();
    const next = async (over = {}) => {
      await harness.seen();
      return (await harness.exchange({ pod, settlements: [], claim: claimRequest(over) })).nextDueInMs;
    };
    expect(await next()).toBeNull();
    await harness.submit({ delayMs: 4 * harness.tickMs });
    await harness.submit({ delayMs: 2 * harness.tickMs });
    await harness.submit({ delayMs: harness.tickMs, type: 'other' });
    const due = await next();
    expect(due).toBeGreaterThan(harness.tickMs);
    expect(due).toBeLessThanOrEqual(2 * harness.tickMs);
    await harness.store.submit(newSteps(3));
    expect(await next({ free: 1 })).toBe(0);
    expect(await next()).toBeGreaterThan(harness.tickMs);
  });

  it('says of each claim for how long its step has been due, by the clock of the store', async () => {
    const pod = await harness.join();
    const early = await harness.submit();
    const delayed = await harness.submit({ delayMs: harness.tickMs });
    await harness.pass(3);
    const request = claimRequest();
    const { claims } = await harness.exchange({ pod, settlements: [], claim: request });
    expect(ids(claims)).toEqual(ids([early, delayed]));
    const [first = NaN, second = NaN] = claims.map(({ dueForMs }) => dueForMs);
    expect(first).toBeGreaterThanOrEqual(3 * harness.tickMs - ROUNDING_MS);
    expect(second).toBeGreaterThanOrEqual(2 * harness.tickMs - ROUNDING_MS);
    expect(first - second).toBeGreaterThanOrEqual(harness.tickMs - ROUNDING_MS);
    expect(first - second).toBeLessThan(2 * harness.tickMs);
    await harness.pass(1);
    const { claims: again } = await harness.exchange({ pod, settlements: [], readBack: request.token });
    expect(ids(again)).toEqual(ids([early, delayed]));
    expect(again[0]?.dueForMs).toBeGreaterThanOrEqual(first + harness.tickMs - ROUNDING_MS);
  });

  it('counts the time that a step has been due from the end of its last delay', async () => {
    const pod = await harness.join();
    const held = await harness.held(pod);
    await harness.pass(2);
    await harness.settle(pod, pendingAgain(held, { delayMs: harness.tickMs }));
    await harness.pass(2);
    const again = await harness.claimOne(pod, { types: { [held.type]: 1 } });
    expect(again.stepId).toBe(held.stepId);
    expect(again.dueForMs).toBeGreaterThanOrEqual(harness.tickMs - ROUNDING_MS);
    expect(again.dueForMs).toBeLessThan(3 * harness.tickMs + harness.store.staleReadMs);
  });

  it('returns the pace of exchanges', async () => {
    const { pace } = await harness.exchange({ pod: await harness.join(), settlements: [], claim: claimRequest() });
    expect(pace.waitMs).toBeGreaterThanOrEqual(0);
    expect(pace.batch).toBeGreaterThanOrEqual(1);
  });

  it('returns receipts and new claims in one exchange', async () => {
    const pod = await harness.join();
    const claim = await harness.held(pod);
    const next = await harness.submit();
    await harness.seen();
    const reply = await harness.exchange({ pod, settlements: [settlement(claim)], claim: claimRequest() });
    expect(reply.receipts).toEqual(['settled']);
    expect(ids(reply.claims)).toEqual([next.stepId]);
  });

  it('gives no claims to an incarnation that has left or was evicted', async () => {
    const gone = await harness.join();
    const dead = await harness.joinMortal();
    await harness.store.leave(gone);
    await harness.pass(2);
    expect(await harness.store.evict([dead])).toHaveLength(1);
    const step = await harness.submit();
    expect(await harness.claim(gone)).toEqual([]);
    expect(await harness.claim(dead)).toEqual([]);
    expect((await harness.step(step)).status).toBe('pending');
  });
}
