/**
 * A process that compares the models of the statements with their texts: a seed is a random state.
 *
 * The emulator that runs the texts is started with the first seed, and ends with this process.
 */
import { serve } from '../command/serve.js';
import type { Plan } from '../plan/plan.js';
import { ALL } from '../warehouse/comparison/all.js';
import { Comparer } from '../warehouse/comparison/compare.js';
import { EmulatedTables } from '../warehouse/comparison/emulated-tables.js';

/** A plan that is none: what to compare. */
interface Compared extends Plan {
  readonly statement?: string | undefined;
}

const comparers = new Map<string, Promise<Comparer>>();
let emulated: Promise<EmulatedTables> | undefined;

/** @param statement nothing: all of them, in turn */
async function comparerOf(statement: string | undefined): Promise<Comparer> {
  const named = Object.entries(ALL.comparisons).filter(([name]) => statement === undefined || name === statement);
  return new Comparer(await (emulated ??= EmulatedTables.open()), { comparisons: Object.fromEntries(named) });
}

serve({
  planOf: (world, seed, statement) => ({ world, seed, statement }) as Compared,
  async judge({ seed, statement }: Compared) {
    const key = statement ?? '';
    const comparer = comparers.get(key) ?? comparerOf(statement);
    comparers.set(key, comparer);
    const { deviation } = await (await comparer).run(seed);
    if (deviation === undefined) return { findings: [] };
    const { statement: name, isSourceOld, difference } = deviation;
    const text = `in ${difference.where}${isSourceOld ? ', with an old source' : ''}`;
    return { findings: [{ rule: `the model of ${name} is as its text`, at: 0, text }] };
  },
});
