/** The same seed gives the same history, byte for byte, in any process and whatever that process has run before. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Bundle, stopBundling } from './bundle.js';
import { WORLDS } from './flags.js';
import { SeedProcess } from './seed-process.js';

const SEEDS = [11, 12, 13];

let bundle: Bundle;
beforeAll(async () => {
  bundle = await Bundle.make(fileURLToPath(new URL('worker.ts', import.meta.url))).finally(stopBundling);
});
afterAll(() => bundle.remove());

test.each(WORLDS)('the same seeds give the same traces in two processes: %s', { timeout: 120_000 }, async (world) => {
  const traces = async (seeds: readonly number[]): Promise<ReadonlyMap<number, string | undefined>> => {
    const process = new SeedProcess(bundle.file);
    try {
      const found = new Map<number, string | undefined>();
      for (const seed of seeds) {
        const { trace } = await process.judge(await process.planOf(world, seed), true);
        found.set(seed, trace);
      }
      return found;
    } finally {
      await process.close();
    }
  };
  const [once, again] = await Promise.all([traces(SEEDS), traces(SEEDS.toReversed())]);
  for (const seed of SEEDS) {
    expect(once.get(seed)?.split('\n').length).toBeGreaterThan(50);
    expect(again.get(seed), `seed ${seed}`).toBe(once.get(seed));
  }
  expect(new Set(once.values()).size).toBe(SEEDS.length);
});
