/**
 * `npm run sim -- [--seeds N] [--seed S] [--world sqlite|warehouse] [--plan PLAN] [--trace] [--jobs N] [--json]`.
 *
 * The exit code is 0 if every rule held, 1 if one broke, 2 if the flags are wrong, 130 if the run was interrupted.
 */
import { fileURLToPath } from 'node:url';
import { SIM_USAGE, simFlags } from './flags.js';
import { runMain } from './run-main.js';
import { sim } from './sim.js';

const ENTRY = fileURLToPath(new URL('worker.ts', import.meta.url));

await runMain(async (args, parts) => {
  const flags = simFlags(args);
  if (flags !== undefined) return sim(flags, { entry: ENTRY, ...parts });
  parts.out(SIM_USAGE.trimEnd());
  return 0;
});
