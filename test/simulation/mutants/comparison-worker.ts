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

let comparer: Promise<Comparer> | undefined;

async function open(): Promise<Comparer> {
  return new Comparer(await EmulatedTables.open(), ALL);
}

serve({
  planOf: (world, seed) => ({ world, seed }) as Plan,
  async judge({ seed }) {
    const { deviation } = await (await (comparer ??= open())).run(seed);
    if (deviation === undefined) return { findings: [] };
    const { statement, isSourceOld, difference } = deviation;
    const text = `in ${difference.where}${isSourceOld ? ', with an old source' : ''}`;
    return { findings: [{ rule: `the model of ${statement} is as its text`, at: 0, text }] };
  },
});
