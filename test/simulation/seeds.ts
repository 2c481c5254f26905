/**
 * Seeds of a world as tests: each plan must keep every rule of the checker.
 *
 * The seeds run in a process of their own, from a bundle: there the library runs an eighth faster than as modules that Vitest has
 * transformed.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Bundle, stopBundling } from './command/bundle.js';
import { SeedProcess } from './command/seed-process.js';
import type { WorldName } from './plan/plan.js';

const WORKER = fileURLToPath(new URL('command/worker.ts', import.meta.url));
const IN_A_TEST = 100;
const TIMEOUT_MS = 300_000;

/** Adds tests for the seeds from 1 to `count`. */
export function itKeepsEveryRule(world: WorldName, count: number): void {
  let bundle: Bundle;
  let process: SeedProcess;
  beforeAll(async () => {
    bundle = await Bundle.make(WORKER);
    await stopBundling();
    process = new SeedProcess(bundle.file);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await process.close();
    bundle.remove();
  });
  const pieces = Array.from({ length: count / IN_A_TEST }, (_, i) => [i * IN_A_TEST + 1, (i + 1) * IN_A_TEST] as const);
  it.each(pieces)('keeps every rule (seeds %i to %i)', { timeout: TIMEOUT_MS }, async (from) => {
    const broken: string[] = [];
    let run = 0;
    await process.seeds({ world, from, count: IN_A_TEST }, ({ seed, findings, broken: error }) => {
      run += 1;
      const replay = `npm run sim -- --world ${world} --seeds 1 --seed ${seed} --trace`;
      for (const { rule, at, text } of findings) broken.push(`${replay}: ${at} ms: ${rule}: ${text}`);
      if (error !== undefined) broken.push(`${replay}: ${error}`);
      return false;
    });
    expect(broken).toEqual([]);
    expect(run).toBe(IN_A_TEST);
  });
}
