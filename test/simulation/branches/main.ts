/**
 * `npm run sim:coverage -- [--seeds N] [--world WORLD] [--jobs N] [--json]`: which branches of the library the simulation takes, alone.
 *
 * The exit code is 0 if at least 90 % of the branches are taken, 1 if not, 2 if the flags are wrong, 130 if the run was interrupted.
 */
import { fileURLToPath } from 'node:url';
import { stopBundling } from '../command/bundle.js';
import { jobsFrom, numberFrom, parsed, worldsFrom } from '../command/flags.js';
import { runMain } from '../command/run-main.js';
import { measure } from './measure.js';
import { summaryOf, textOf } from './report.js';

const ENTRY = fileURLToPath(new URL('../command/worker.ts', import.meta.url));
/** As many as `npm test` runs. */
const SEEDS = 2_000;
/** Of the branches, in percent. */
const LEAST = 90;

const USAGE = `Usage: npm run sim:coverage -- [flags]

  --seeds N      run so many seeds in each world (default: ${SEEDS})
  --world WORLD  run this world alone: sqlite or warehouse
  --jobs N       run in this many processes (default: one for each core)
  --json         print nothing but one line: { branches, taken, percent, folders }
`;

await runMain(async (args, { signal, out, err }) => {
  const given = parsed(args, USAGE, {
    ...{ seeds: { type: 'string' }, world: { type: 'string' }, jobs: { type: 'string' } },
    ...{ json: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (given['help'] === true) {
    out(USAGE.trimEnd());
    return 0;
  }
  const count = numberFrom('--seeds', given['seeds'], 1, 1_000_000) ?? SEEDS;
  const ranges = worldsFrom(given['world']).map((world) => ({ world, from: 1, count }));
  const jobs = jobsFrom(given['jobs']);
  const branches = await measure({ entry: ENTRY, ranges, jobs, signal, log: err }).finally(stopBundling);
  const summary = summaryOf(branches);
  out(given['json'] === true ? JSON.stringify(summary) : textOf(branches));
  return summary.percent >= LEAST ? 0 : 1;
});
