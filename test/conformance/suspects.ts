/** Suspects: steps that have crashed pods are claimed apart from others, so that one crash takes few other steps with it. */
import { expect, it } from 'vitest';
import { ids, newSteps, type Harness } from './harness.js';

export function suspects(harness: Harness): void {
  it('claims a step with one crash for a free slot', async () => {
    const struck = await harness.crashed(1, { priority: 5 });
    const [next] = newSteps(1);
    await harness.store.submit([next!]);
    expect(ids(await harness.claim(await harness.join()))).toEqual(ids([struck, next!]));
  });

  it('does not prefetch a step with one crash', async () => {
    const struck = await harness.crashed(1);
    await harness.store.submit(newSteps(3, { priority: 1 }));
    const pod = await harness.join();
    expect(ids(await harness.claim(pod, { free: 0, prefetch: 10 }))).not.toContain(struck.stepId);
    expect(ids(await harness.claim(pod, { free: 1 }))).toEqual([struck.stepId]);
  });

  it('does not prefetch a step with one crash when the free slots are full', async () => {
    const struck = await harness.crashed(1);
    const innocent = newSteps(5, { priority: 1 });
    await harness.store.submit(innocent);
    const claims = ids(await harness.claim(await harness.join(), { free: 5, prefetch: 5 }));
    expect(claims).toEqual(ids(innocent));
    expect(claims).not.toContain(struck.stepId);
  });

  it('claims no step with two crashes without quarantine, and claims the others', async () => {
    const struck = await harness.crashed(2, { priority: 9 });
    const innocent = newSteps(3);
    await harness.store.submit(innocent);
    expect(ids(await harness.claim(await harness.join(), { free: 10, prefetch: 10, quarantine: 0 }))).toEqual(
      ids(innocent),
    );
    expect((await harness.step(struck)).status).toBe('pending');
  });

  it('claims one step with two crashes at a time with quarantine, among other steps', async () => {
    const first = await harness.crashed(2, { type: 'first' });
    const second = await harness.crashed(3, { type: 'second' });
    const innocent = newSteps(3);
    await harness.store.submit(innocent);
    const types = { first: 10, second: 10, work: 10 };
    const pod = await harness.join();
    const claims = ids(await harness.claim(pod, { quarantine: 1, types }));
    expect([...claims].sort()).toEqual(ids([first, ...innocent]).sort());
    expect(ids(await harness.claim(pod, { quarantine: 1, types }))).toEqual([second.stepId]);
  });

  it('claims steps behind many suspects of the same type', async () => {
    const type = 'mixed';
    const struck = [await harness.crashed(2, { type, priority: 9 })];
    for (let i = 0; i < 2; i++) struck.push(await harness.crashed(2, { type, priority: 9 }));
    const innocent = newSteps(4, { type });
    await harness.store.submit(innocent);
    const claims = ids(await harness.claim(await harness.join(), { free: 5, quarantine: 1, types: { [type]: 5 } }));
    expect(claims.filter((id) => ids(struck).includes(id))).toHaveLength(1);
    expect(claims.filter((id) => ids(innocent).includes(id))).toHaveLength(4);
  });

  it('does not prefetch a step with two crashes, with or without quarantine', async () => {
    await harness.crashed(2);
    expect(await harness.claim(await harness.join(), { free: 0, prefetch: 10, quarantine: 1 })).toEqual([]);
  });
}
