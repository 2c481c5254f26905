/** When counts of this process are returned again, on a clock of the test's own. */
import { describe, expect, test } from 'vitest';
import type { Runtime } from '../src/runtime/runtime.js';
import type { Counted } from '../src/stats.js';
import { StatsCache } from '../src/stats-cache.js';

/** A cache, and a store that answers when the test says so. */
function world() {
  const clock = { now: 1_000 };
  const asked: { readonly answer: (pendingSteps: number) => void; readonly fail: (error: Error) => void }[] = [];
  const cache = new StatsCache({ monotonicMs: () => clock.now } as Runtime);
  const count = (): Promise<Counted> =>
    new Promise((resolve, fail) => {
      asked.push({ answer: (pendingSteps) => resolve({ pendingSteps } as Counted), fail });
    });
  return { clock, asked, read: (maxAgeMs: number) => cache.read(maxAgeMs, count) };
}

describe('counts', () => {
  test('are returned again until they are as old as a call accepts, and say their age', async () => {
    const { clock, asked, read } = world();
    const first = read(5_000);
    clock.now += 30;
    asked[0]!.answer(7);
    expect(await first).toEqual({ pendingSteps: 7, ageMs: 0, tookMs: 30 });
    clock.now += 4_999;
    expect(await read(5_000)).toEqual({ pendingSteps: 7, ageMs: 4_999, tookMs: 30 });
    expect(asked).toHaveLength(1);
    clock.now += 1;
    const second = read(5_000);
    asked[1]!.answer(8);
    expect(await second).toEqual({ pendingSteps: 8, ageMs: 0, tookMs: 0 });
  });

  test('are shared by calls at the same time, however long the store takes', async () => {
    const { clock, asked, read } = world();
    const first = read(1);
    clock.now += 60_000;
    const second = read(3_600_000);
    asked[0]!.answer(7);
    expect([(await first).pendingSteps, (await second).pendingSteps, asked.length]).toEqual([7, 7, 1]);
  });

  test('are asked for by every call that accepts no age, also while others are counted', async () => {
    const { asked, read } = world();
    const first = read(5_000);
    const second = read(0);
    asked[1]!.answer(8);
    expect(await second).toMatchObject({ pendingSteps: 8 });
    expect(await read(5_000)).toMatchObject({ pendingSteps: 8 });
    asked[0]!.answer(7);
    expect(await first).toMatchObject({ pendingSteps: 7 });
    expect(asked).toHaveLength(2);
  });

  test('of a count that began earlier do not replace later ones', async () => {
    const { clock, asked, read } = world();
    const first = read(0);
    clock.now += 1;
    const second = read(0);
    asked[1]!.answer(8);
    await second;
    asked[0]!.answer(7);
    await first;
    expect(await read(5_000)).toMatchObject({ pendingSteps: 8 });
  });

  test('that the store did not give are asked for again at once, and the last ones are kept', async () => {
    const { asked, read } = world();
    const first = [read(5_000), read(5_000)];
    asked[0]!.fail(new Error('away'));
    for (const call of first) await expect(call).rejects.toThrow('away');
    const second = read(5_000);
    asked[1]!.answer(7);
    await second;
    const third = read(0);
    asked[2]!.fail(new Error('away'));
    await expect(third).rejects.toThrow('away');
    expect(await read(5_000)).toMatchObject({ pendingSteps: 7 });
  });
});
