/** Pulse and watch: how the idle learn that something has changed. */
import { expect, it } from 'vitest';
import { fresh, givenBack, newSteps, settlement, type Harness } from './harness.js';

export function telling(harness: Harness): void {
  it('stands still while nothing is written', async () => {
    await harness.submit();
    const pulse = await harness.store.pulse();
    await harness.store.stats();
    await harness.store.fleet();
    expect(await harness.store.pulse()).toBe(pulse);
  });

  it('moves with every change of a step', async () => {
    const pod = await harness.join();
    const step = newSteps(1)[0]!;
    const changes: [string, () => Promise<unknown>][] = [
      ['submit', () => harness.store.submit([step])],
      ['claim', () => harness.claimOne(pod)],
      ['give back', async () => harness.settle(pod, givenBack((await harness.beat(pod)).claims[0]!))],
      ['claim again', () => harness.claimOne(pod)],
      ['settle', async () => harness.store.settle(pod, [givenBack((await harness.beat(pod)).claims[0]!)])],
      ['cancel', async () => harness.store.cancel(fresh('cancel'), [await harness.step(step)])],
      ['retry', async () => harness.store.retry([await harness.step(step)])],
    ];
    let before = await harness.store.pulse();
    for (const [name, change] of changes) {
      await change();
      const after = await harness.store.pulse();
      expect(after, name).not.toBe(before);
      before = after;
    }
  });

  it('moves with what another handle changes', async () => {
    const other = await harness.another();
    const pod = await harness.join();
    const before = await harness.store.pulse();
    await other.submit(newSteps(1));
    const submitted = await harness.store.pulse();
    expect(submitted).not.toBe(before);
    const [claim] = await harness.claim(pod, {}, other);
    await harness.settle(pod, settlement(claim!), other);
    expect(await harness.store.pulse()).not.toBe(submitted);
  });

  it('ends a watch for good, however often that is said', async () => {
    let calls = 0;
    const end = harness.store.watch(() => calls++);
    const other = await harness.another();
    await other.submit(newSteps(1));
    end();
    end();
    const told = calls;
    await other.submit(newSteps(1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(calls).toBe(told);
  });
}
