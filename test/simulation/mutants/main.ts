/**
 * `npm run sim:mutants -- [--only TEXT]... [--seeds N] [--jobs N] [--json]`: breaks the library on purpose, and reports the defects that
 * no history shows.
 *
 * The exit code is 0 if every mutant is caught, 1 if one is missed or has a mistake, 2 if the flags are wrong, 130 if the run was
 * interrupted.
 */
import { fileURLToPath } from 'node:url';
import { misfits } from '../../mutants/compiling.js';
import { runMain } from '../command/run-main.js';
import { allMutants } from './all-mutants.js';
import { MUTANTS_USAGE, mutantFlags } from './flags.js';
import { lineOf, summaryOf, textOf } from './report.js';
import { tryMutants } from './try-mutants.js';

const entry = fileURLToPath(new URL('../command/worker.ts', import.meta.url));
const comparison = fileURLToPath(new URL('comparison-worker.ts', import.meta.url));

await runMain(async (args, { signal, out, err }) => {
  const flags = mutantFlags(args, allMutants);
  if (flags === undefined) {
    out(MUTANTS_USAGE.trimEnd());
    return 0;
  }
  const given = { ...flags, entry, comparison, misfits, signal };
  const hunted = await tryMutants({ ...given, onHunted: (one) => err(lineOf(one)) });
  const summary = summaryOf(hunted);
  out(flags.json ? JSON.stringify(summary) : textOf(hunted));
  return summary.missed === 0 ? 0 : 1;
});
