/** When the store is asked for counts, on a clock of the test's own. */
import { describe, expect, test } from 'vitest';
import { StatsSource } from '../../src/prometheus/stats-source.js';
import { STATS } from './support/fake-queue.js';

function world(answers: readonly ('ok' | 'error' | 'never')[] = ['ok'], tookMs = 1) {
  const state = { now: 1_000_000, calls: 0, errors: [] as unknown[], mayCount: true, tookMs };
  const source = new StatsSource({
    stats: async () => {
      const answer = answers[Math.min(state.calls++, answers.length - 1)];
      if (answer === 'never') await new Promise(() => undefined);
      state.now += state.tookMs;
      if (answer === 'error') throw new Error('away');
      return { ...STATS, tookMs: state.tookMs };
    },
    mayCount: () => state.mayCount,
    intervalMs: 15_000,
    onError: (error) => state.errors.push(error),
    now: () => state.now,
    waitMs: 20,
  });
  return { state, source };
}

test('counts are kept for the interval, and their age is reported', async () => {
  const { state, source } = world();
  expect(await source.read()).toEqual({ stats: STATS, ageMs: 0 });
  state.now += 14_999;
  expect(await source.read()).toEqual({ stats: STATS, ageMs: 14_999 });
  expect(state.calls).toBe(1);
  state.now += 1;
  expect(await source.read()).toEqual({ stats: STATS, ageMs: 0 });
  expect(state.calls).toBe(2);
});

test('counting takes up at most a hundredth of the time, and the pause is at most five minutes', async () => {
  const { state, source } = world(['ok'], 2_000);
  await source.read();
  state.now += 199_999;
  await source.read();
  expect(state.calls).toBe(1);
  state.now += 1;
  state.tookMs = 10_000;
  await source.read();
  expect(state.calls).toBe(2);
  state.now += 300_000;
  await source.read();
  expect(state.calls).toBe(3);
});

test('counts that the queue has kept for others are as old as they are', async () => {
  const asked: number[] = [];
  const state = { now: 1_000_000, ageMs: 9_000 };
  const source = new StatsSource({
    stats: async (maxAgeMs) => {
      asked.push(maxAgeMs);
      return { ...STATS, ageMs: state.ageMs, tookMs: 200 };
    },
    ...{ mayCount: () => true, intervalMs: 15_000, onError: () => undefined, now: () => state.now },
  });
  expect(await source.read()).toMatchObject({ ageMs: 9_000 });
  state.now += 10_999; // 100 times 200 ms, less their age
  expect(await source.read()).toMatchObject({ ageMs: 19_999 });
  expect(asked).toEqual([15_000]);
  state.now += 1;
  state.ageMs = 0;
  expect(await source.read()).toMatchObject({ ageMs: 0 });
  expect(asked).toEqual([15_000, 20_000]);
});

describe('if the store fails', () => {
  test('the last counts are shown for a minute, then none; the store is asked once an interval', async () => {
    const { state, source } = world(['ok', 'error']);
    await source.read();
    state.now += 15_000;
    expect(await source.read()).toMatchObject({ stats: STATS });
    expect(await source.read()).toMatchObject({ stats: STATS });
    expect([state.calls, state.errors.length]).toEqual([2, 1]);
    state.now += 46_000;
    expect(await source.read()).toBeUndefined();
    expect([state.calls, state.errors.length]).toEqual([3, 2]);
  });

  test('a scrape does not wait for a call that hangs, and makes no second one', async () => {
    const { state, source } = world(['ok', 'never']);
    await source.read();
    state.now += 15_000;
    expect(await source.read()).toMatchObject({ stats: STATS, ageMs: 15_000 });
    state.now += 1_000_000;
    expect(await source.read()).toBeUndefined();
    expect(state.calls).toBe(2);
  });
});

test('a pod that leads again begins with fresh counts', async () => {
  const { state, source } = world();
  await source.read();
  state.mayCount = false;
  expect(await source.read()).toBeUndefined();
  state.mayCount = true;
  expect(await source.read()).toMatchObject({ ageMs: 0 });
  expect(state.calls).toBe(2);
});
