/**
 * Many seeds, over several processes.
 *
 * Invariants:
 * - Every seed is run once, and each result is passed on once, in no certain order.
 * - `signal` ends all processes.
 */
import type { WorldName } from '../plan/plan.js';
import type { SeedProcess, SeedResult } from './seed-process.js';

/** Small enough that the processes end together, large enough that asking costs nothing. */
const MOST_A_BATCH = 25;

export interface Range {
  readonly world: WorldName;
  readonly from: number;
  readonly count: number;
}

export async function runSeeds(
  processes: readonly SeedProcess[],
  { world, from, count }: Range,
  heard: (result: SeedResult) => void,
): Promise<void> {
  const size = Math.max(1, Math.min(MOST_A_BATCH, Math.ceil(count / processes.length)));
  let next = from;
  const end = from + count;
  await Promise.all(
    processes.map(async (process) => {
      while (next < end) {
        const batch = { world, from: next, count: Math.min(size, end - next) };
        next += batch.count;
        await process.seeds(batch, (result) => {
          heard(result);
          return false;
        });
      }
    }),
  );
}
