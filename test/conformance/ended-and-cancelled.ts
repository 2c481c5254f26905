/** What waiters and holders query: which awaited steps have ended, and which held steps were cancelled. */
import { expect, it } from 'vitest';
import { fresh, pendingAgain, ids, newStep, newSteps, settlement, type Harness } from './harness.js';

/** More steps than a store would look up one by one. */
const MANY = 200;

export function endedAndCancelled(harness: Harness): void {
  const ended = async (awaited: ReadonlySet<string>, since: string | null) => {
    await harness.seen();
    const reply = await harness.store.ended({ awaited, since });
    return { ...reply, steps: ids(reply.steps).sort() };
  };

  it('returns which of a few awaited steps have ended, and which do not exist', async () => {
    const pod = await harness.join();
    const done = await harness.held(pod);
    const open = await harness.held(pod);
    await harness.settle(pod, settlement(done));
    await harness.seen();
    const reply = await harness.store.ended({ awaited: new Set([done.stepId, open.stepId, 'nobody']), since: null });
    expect(reply).toMatchObject({ complete: true, gone: ['nobody'] });
    expect(reply.steps).toMatchObject([{ stepId: done.stepId, status: 'completed', result: '"done"' }]);
  });

  it('returns which of many awaited steps have ended since the last query, by any process', async () => {
    const pod = await harness.join();
    const other = await harness.another();
    const steps = newSteps(MANY, { type: fresh('type') });
    await harness.store.submit(steps);
    const type = steps[0]!.type;
    const awaited = new Set(ids(steps));
    const first = await ended(awaited, null);
    expect(first.steps).toEqual([]);

    const claims = await harness.claim(pod, { free: 4, types: { [type]: 4 } });
    await harness.settle(pod, settlement(claims[0]!));
    await harness.settle(pod, settlement(claims[1]!, { status: 'failed', result: null, error: '{}' }), other);
    await harness.settle(pod, pendingAgain(claims[2]!));
    await other.cancel(fresh('cancel'), [await harness.step(claims[3]!)]);
    const second = await ended(awaited, first.cursor);
    expect(second.steps).toEqual([claims[0]!, claims[1]!, claims[3]!].map(({ stepId }) => stepId).sort());

    await harness.pass(1);
    const [last] = await harness.claim(pod, { free: 1, types: { [type]: 1 } });
    await harness.settle(pod, settlement(last!));
    expect((await ended(awaited, second.cursor)).steps).toContain(last!.stepId);
  });

  it('leaves out steps that nobody awaits, and steps that are pending again', async () => {
    const pod = await harness.join();
    const steps = newSteps(MANY);
    await harness.store.submit(steps.map((step) => ({ ...step, delayMs: 1_000 * harness.tickMs })));
    const awaited = new Set(ids(steps));
    const { cursor } = await ended(awaited, null);
    const stranger = await harness.held(pod);
    await harness.settle(pod, settlement(stranger));
    const retried = await harness.step(steps[0]!);
    await harness.store.cancel(fresh('cancel'), [retried]);
    await harness.store.retry([await harness.step(retried)]);
    expect((await ended(awaited, cursor)).steps).toEqual([]);
  });

  it('returns which steps were cancelled, and how long ago', async () => {
    const pod = await harness.join();
    const [cancelled, open, done] = [await harness.held(pod), await harness.held(pod), await harness.held(pod)];
    await harness.store.cancel(fresh('cancel'), [cancelled]);
    await harness.settle(pod, settlement(done));
    await harness.pass(2);
    const all = [cancelled, open, done].map(({ stepId }) => stepId);
    const answer = await harness.store.cancelled([...all, 'nobody', newStep().stepId]);
    expect(answer).toEqual([{ stepId: cancelled.stepId, agoMs: expect.any(Number) as number }]);
    expect(answer[0]!.agoMs).toBeGreaterThanOrEqual(harness.tickMs);
    expect(await harness.store.cancelled([])).toEqual([]);
  });
}
