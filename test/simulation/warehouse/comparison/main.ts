/**
 * `npm run sim:statements -- [--states N] [--seed S] [--only NAME,…] [--json]`: holds the models of the statements to their texts, on N
 * random states. The state of seed S comes first, and the next seeds follow. A seed with `--only` makes another state than without.
 */
import { parseArgs } from 'node:util';
import { ALL, described } from './all.js';
import { Comparer, type Outcome } from './compare.js';
import { EmulatedTables } from './emulated-tables.js';

const { values } = parseArgs({
  options: {
    states: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    json: { type: 'boolean' },
  },
});
const [states, seed] = [Number(values.states), Number(values.seed)];
if (!Number.isSafeInteger(states) || states < 1 || !Number.isSafeInteger(seed)) {
  throw new RangeError('expected whole numbers: --states of at least 1, and --seed');
}

const comparisons = Object.fromEntries(
  Object.entries(ALL.comparisons).filter(([name]) => values.only?.split(',').includes(name) ?? true),
);
if (Object.keys(comparisons).length === 0) {
  throw new RangeError(`expected --only to be among ${Object.keys(ALL.comparisons).join(', ')}`);
}

const REPORT_EVERY = 500;

async function main(): Promise<number> {
  const startedAt = performance.now();
  const runs: Record<string, number> = {};
  const seconds = (): number => Math.round((performance.now() - startedAt) / 100) / 10;
  const emulated = await EmulatedTables.open();
  try {
    const comparer = new Comparer(emulated, { comparisons });
    let outcome: Outcome = { runs: {} };
    let tried = 0;
    while (tried < states && outcome.deviation === undefined) {
      outcome = await comparer.run(seed + tried++);
      for (const [name, count] of Object.entries(outcome.runs)) runs[name] = (runs[name] ?? 0) + count;
      if (tried % REPORT_EVERY === 0) console.error(`${tried} states in ${seconds()} s`);
    }
    const statements = Object.values(runs).reduce((sum, count) => sum + count, 0);
    if (outcome.deviation !== undefined) console.error(described(outcome.deviation));
    const deviations = outcome.deviation === undefined ? 0 : 1;
    const result = { states: tried, seed, statements, deviations, seconds: seconds() };
    console.log(values.json === true ? JSON.stringify({ ...result, runs }) : summary(result, runs));
    return deviations;
  } finally {
    await emulated.close();
  }
}

function summary(result: Readonly<Record<string, number>>, runs: Readonly<Record<string, number>>): string {
  const { states: tried, statements, deviations, seconds } = result;
  const counts = Object.entries(runs).sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    ...counts.map(([name, count]) => `${String(count).padStart(7)}  ${name}`),
    `${tried} states, ${statements} statements, ${deviations} deviations, ${seconds} s`,
  ].join('\n');
}

process.exitCode = await main();
