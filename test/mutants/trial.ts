/**
 * Tries breaks: runs every test file unbroken, then each break's test files until one of them fails.
 *
 * Invariants:
 * - If a test file fails unbroken, no break is tried: every break would look killed.
 * - A break is killed by the first of its test files that fails, or that does not end within its time limit. The limit
 *   follows from the file's unbroken time.
 */
import type { Break } from './break.js';
import { misfits } from './compiling.js';
import { faultsOf } from './faults.js';
import { Lane, type Ended } from './lane.js';

export interface Outcome {
  readonly break: Break;
  /** The test file that failed; none if the break survived. */
  readonly killedBy?: string;
  readonly byTimeOut: boolean;
  readonly ms: number;
  /** The first failure. */
  readonly failure?: string;
}

export interface TrialParts {
  readonly project: string;
  readonly breaks: readonly Break[];
  /** How many breaks are tried at once, each in a copy of its own. */
  readonly jobs: number;
  /** The time limit of a test file with a break is five times its unbroken time, plus this. */
  readonly graceMs: number;
  /** How long a test file may take unbroken. */
  readonly unbrokenMs: number;
  readonly signal: AbortSignal;
  readonly log: (news: string) => void;
}

/** No break can be tried: a list has a mistake, or a test file fails unbroken. */
export class TrialError extends Error {
  override readonly name = 'TrialError';
}

const TIMES_UNBROKEN = 5;

/** @returns the outcomes in the order of the list. @throws TrialError, or the reason of the signal */
export async function trial(parts: TrialParts): Promise<Outcome[]> {
  const { project, breaks, jobs, signal } = parts;
  for (const check of [faultsOf, misfits]) {
    const faults = check(project, breaks);
    if (faults.length > 0) throw new TrialError(`The list of breaks has mistakes:\n${faults.join('\n')}`);
  }
  const lanes: Lane[] = [];
  const close = (): Promise<unknown> => Promise.all(lanes.map((lane) => lane.close()));
  signal.addEventListener('abort', () => void close());
  try {
    for (let i = 0; i < Math.min(jobs, breaks.length); i += 1) {
      signal.throwIfAborted();
      lanes.push(new Lane(project));
    }
    const limits = await unbroken(parts, lanes);
    return await inOrder(lanes, breaks, async (lane, one) => {
      signal.throwIfAborted();
      const outcome = await tryOne(lane, one, limits);
      parts.log(lineOf(outcome));
      return outcome;
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    await close();
  }
}

/** @returns the limit for each test file, from the time that it took unbroken */
async function unbroken(parts: TrialParts, lanes: readonly Lane[]): Promise<ReadonlyMap<string, number>> {
  const { breaks, graceMs, unbrokenMs, signal, log } = parts;
  const tests = [...new Set(breaks.flatMap((one) => one.tests))];
  const limits = new Map<string, number>();
  const red: string[] = [];
  await inOrder(lanes, tests, async (lane, test) => {
    signal.throwIfAborted();
    const ended = await lane.run(test, unbrokenMs);
    limits.set(test, graceMs + TIMES_UNBROKEN * ended.ms);
    log(`unbroken: ${test} ${ended.as} (${seconds(ended.ms)})`);
    if (ended.as !== 'passed') red.push(`${test}: ${ended.failures.join('\n  ')}`);
  });
  if (red.length > 0) throw new TrialError(`Test files fail without any break:\n${red.join('\n')}`);
  return limits;
}

async function tryOne(lane: Lane, one: Break, limits: ReadonlyMap<string, number>): Promise<Outcome> {
  let ms = 0;
  lane.apply(one);
  try {
    for (const test of one.tests) {
      const ended: Ended = await lane.run(test, limits.get(test) ?? 0);
      ms += ended.ms;
      if (ended.as === 'passed') continue;
      const [failure = ''] = ended.failures;
      return { break: one, killedBy: test, byTimeOut: ended.as === 'hung', ms, failure };
    }
    return { break: one, byTimeOut: false, ms };
  } finally {
    lane.takeBack();
  }
}

function lineOf({ break: { name, survives }, killedBy, byTimeOut, ms, failure }: Outcome): string {
  if (killedBy === undefined) return `${survives === undefined ? 'SURVIVED' : 'survived'}: ${name} (${seconds(ms)})`;
  const how = byTimeOut ? 'killed by time-out' : 'killed';
  return `${how}: ${name} (${seconds(ms)})\n    ${killedBy}: ${failure ?? ''}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** Gives each task to the next free lane. @returns the results in the order of the tasks */
async function inOrder<T, R>(
  lanes: readonly Lane[],
  tasks: readonly T[],
  work: (lane: Lane, task: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const open = tasks.entries();
  await Promise.all(
    lanes.map(async (lane) => {
      for (const [i, task] of open) results[i] = await work(lane, task);
    }),
  );
  return results;
}
