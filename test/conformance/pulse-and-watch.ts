/** Pulse and watch: how an idle process notices that something has changed. */
import { expect, it } from 'vitest';
import { fresh, pendingAgain, newSteps, settlement, type Harness } from './harness.js';

export function pulseAndWatch(harness: Harness): void {
  it('keeps its pulse while nothing is written', async () => {
    await harness.submit();
    const pulse = await harness.store.pulse();
    await harness.store.stats();
    await harness.store.fleet();
    expect(await harness.store.pulse()).toBe(pulse);
  });

  it('changes its pulse with every change of a step', async () => {
    const pod = await harness.join();
    const step = newSteps(1)[0]!;
    const changes: [string, () => Promise<unknown>][] = [
      ['submit', () => harness.store.submit([step])],
      ['claim', () => harness.claimOne(pod)],
      ['give back', async () => harness.settle(pod, pendingAgain((await harness.beat(pod)).claims[0]!))],
      ['claim again', () => harness.claimOne(pod)],
      ['settle', async () => harness.store.settle(pod, [pendingAgain((await harness.beat(pod)).claims[0]!)])],
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

  it('changes its pulse when another handle changes a step', async () => {
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

  it('ends a watch permanently, however often that is called', async () => {
    let calls = 0;
    const end = harness.store.watch(() => calls++);
    const other = await harness.another();
    await other.submit(newSteps(1));
    end();
    end();
    const callsBefore = calls;
    await other.submit(newSteps(1));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(calls).toBe(callsBefore);
  });
}
