/**
 * `npm run test:live -- [--json] [--only NAME]... [--conformance GROUPS|all|none] [--alter-warehouse] [--list]`: checks a real
 * Snowflake account, named by `FLEET_Q_LIVE_*` variables, and prints a report for an issue.
 *
 * The exit code is 0 if all is as fleet-q assumes; 1 if something differs, a test fails or the account is refused; 2 if the
 * arguments or the variables are wrong, or the account cannot be checked; 3 if the budget was reached; 130 if it was interrupted.
 */
import { parseArgs } from 'node:util';
import { nearest, show, ValidationError } from '../../src/errors.js';
import { checkAccount, CheckError } from './check.js';
import { DEFAULT_GROUPS, GROUPS } from './conformance/groups.js';
import { conformanceOf } from './conformance/run.js';
import { MEASUREMENTS } from './measurements/index.js';
import type { Measurement } from './measurement.js';
import { EXIT, exitCodeOf, markdownOf } from './report.js';
import { targetFrom, WHAT_TO_SET } from './variables.js';

const USAGE = `Usage: npm run test:live -- [flags]

  --json                 print the report as one line of JSON
  --only NAME            run this measurement alone; may be repeated
  --conformance GROUPS   groups of the conformance suite, with commas between; all; none (default: ${DEFAULT_GROUPS.join(',')})
  --alter-warehouse      allow ALTER WAREHOUSE: suspend it, and turn AUTO_RESUME off for a moment
  --list                 list the measurements, and end
`;

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (!interrupted.signal.aborted) say('Interrupted: dropping the schema …');
    interrupted.abort();
  });
}

process.exitCode = await main().catch((error: unknown) => {
  if (error instanceof ValidationError || error instanceof CheckError) say(error.message);
  else say(String((error as Error).stack));
  return interrupted.signal.aborted ? EXIT.interrupted : EXIT.usage;
});

async function main(): Promise<number> {
  const flags = readFlags();
  if (flags.help || flags.list) {
    const names = MEASUREMENTS.map(({ name, question }) => `${name.padEnd(20)} ${question}`);
    process.stdout.write(flags.help ? USAGE : `${names.join('\n')}\n`);
    return EXIT.asAssumed;
  }
  const [measurements, groups] = [measurementsOf(flags.only), groupsOf(flags.conformance)];
  const target = targetFrom(process.env);
  if (target === undefined) {
    say(WHAT_TO_SET);
    return EXIT.usage;
  }
  // The only way to tell the driver which entry of connections.toml to read.
  if (target.connectionName !== undefined) process.env['SNOWFLAKE_DEFAULT_CONNECTION_NAME'] = target.connectionName;
  const report = await checkAccount({
    ...{ target, measurements, groups, mayAlterWarehouse: flags['alter-warehouse'], log: say },
    ...{ runConformance: conformanceOf(process.env), signal: interrupted.signal },
  });
  process.stdout.write(flags.json ? `${JSON.stringify(report)}\n` : markdownOf(report));
  return exitCodeOf(report);
}

function readFlags() {
  try {
    return parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
        conformance: { type: 'string', default: DEFAULT_GROUPS.join(',') },
        'alter-warehouse': { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new ValidationError('OPTION_INVALID', 'arguments', `${(error as Error).message}\n\n${USAGE}`);
  }
}

function measurementsOf(only: readonly string[]): readonly Measurement[] {
  const names = MEASUREMENTS.map(({ name }) => name);
  for (const name of only) if (!names.includes(name)) throw unknown('--only', 'a measurement', name, names);
  return MEASUREMENTS.filter(({ name }) => only.length === 0 || only.includes(name));
}

function groupsOf(text: string): readonly string[] {
  if (text === 'none') return [];
  if (text === 'all') return GROUPS;
  const groups = text.split(',').map((group) => group.trim());
  const known: readonly string[] = GROUPS;
  for (const group of groups) if (!known.includes(group)) throw unknown('--conformance', 'a group', group, known);
  return groups;
}

function unknown(flag: string, what: string, given: string, known: readonly string[]): ValidationError {
  const meant = nearest(given, known);
  const hint = meant === undefined ? `one of ${known.join(', ')}` : `did you mean ${meant}?`;
  return new ValidationError('OPTION_INVALID', flag, `expected ${what}, got ${show(given)}; ${hint}`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
