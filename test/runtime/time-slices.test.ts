import { expect, test } from 'vitest';
import { mapInSlices } from '../../src/runtime/time-slices.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';

/** A runtime whose clock moves by a ms for each item, and whose turns are counted. */
function counted() {
  const runtime = new VirtualRuntime();
  let turns = 0;
  let now = 0;
  return {
    runtime: Object.assign(Object.create(runtime) as VirtualRuntime, {
      monotonicMs: () => now,
      yield: () => {
        turns++;
        return Promise.resolve();
      },
    }),
    spend: () => now++,
    turns: () => turns,
  };
}

test('long work yields whenever a slice is used up, and keeps the order', async () => {
  const { runtime, spend, turns } = counted();
  const items = Array.from({ length: 160 }, (_, i) => i);
  const mapped = await mapInSlices(runtime, items, (item, index) => {
    spend();
    return index % 3 === 0 ? Promise.resolve(item * 2) : item * 2;
  });
  expect(mapped).toEqual(items.map((item) => item * 2));
  expect(turns()).toBe(10);
});

test('a slice is as long after a yield as before', async () => {
  const { runtime, spend, turns } = counted();
  await mapInSlices(runtime, Array.from({ length: 1_600 }), (_, index) => (index % 16 === 0 ? spend() : undefined));
  expect(turns()).toBe(20);
});

test('short work does not yield', async () => {
  const { runtime, turns } = counted();
  await mapInSlices(runtime, Array.from({ length: 1_000 }), () => 1);
  expect(turns()).toBe(0);
});

test('the first throw ends the work', async () => {
  const seen: number[] = [];
  const work = mapInSlices(counted().runtime, [1, 2, 3], (item) => {
    seen.push(item);
    if (item === 2) throw new Error('two');
  });
  await expect(work).rejects.toThrow('two');
  expect(seen).toEqual([1, 2]);
});
