/**
 * Breaks the library on purpose and reports the breaks for which no test fails: `npm run mutants -- [--json]
 * [--only TEXT]... [--jobs N]`.
 *
 * The last line of the output is the summary as JSON. With `--json` the script itself prints nothing else. The exit code is
 * 0 if every break is killed, except those that the list explains; 1 if not; 2 if no break could be tried; 130 if the run
 * was interrupted.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { allBreaks } from './breaks.js';
import { summaryOf, textOf, unexplained, wronglyExplained } from './report.js';
import { trial, TrialError } from './trial.js';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));
const GRACE_MS = 60_000;
const UNBROKEN_MS = 900_000;
const MOST_JOBS = 64;

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());

process.exitCode = await main().catch((error: unknown) => {
  if (interrupted.signal.aborted) return 130;
  process.stderr.write(`${error instanceof TrialError ? error.message : String((error as Error).stack)}\n`);
  return 2;
});

async function main(): Promise<number> {
  const { jobs, only, json } = flags();
  const breaks = allBreaks.filter(({ name }) => only.length === 0 || only.some((text) => name.includes(text)));
  if (breaks.length === 0 && only.length > 0)
    throw new TrialError(`--only: expected part of a break's name, got ${only.join(', ')}, which no name contains`);
  const log = (news: string): void => void process.stderr.write(`${news}\n`);
  const times = { graceMs: GRACE_MS, unbrokenMs: UNBROKEN_MS };
  const outcomes = await trial({ project: PROJECT, breaks, jobs, ...times, signal: interrupted.signal, log });
  if (!json) process.stdout.write(`${textOf(outcomes)}\n`);
  process.stdout.write(`${JSON.stringify(summaryOf(outcomes))}\n`);
  return unexplained(outcomes).length + wronglyExplained(outcomes).length > 0 ? 1 : 0;
}

interface Flags {
  readonly jobs: number;
  readonly only: readonly string[];
  readonly json: boolean;
}

/** @throws TrialError if a flag is unknown or its value is invalid */
function flags(): Flags {
  const { jobs: text, ...values } = parsed();
  const jobs = Number(text);
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > MOST_JOBS)
    throw new TrialError(`--jobs: expected a whole number from 1 to ${MOST_JOBS}, got ${text}`);
  return { ...values, jobs };
}

function parsed() {
  try {
    return parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
        jobs: { type: 'string', default: String(Math.max(1, Math.floor(availableParallelism() / 2))) },
      },
    }).values;
  } catch (error) {
    throw new TrialError(`${(error as Error).message}\nexpected [--json] [--only TEXT]... [--jobs N]`);
  }
}
