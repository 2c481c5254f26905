/**
 * Runs the conformance suite against the account, in a process of its own, and counts.
 *
 * Invariants:
 * - The process ends with the signal, and all of its children with it. What had ended until then is counted.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CONFORMANCE_VARIABLE } from '../variables.js';
import { patternOf } from './groups.js';
import { MARK } from './line-reporter.js';

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));
const END_MS = 10_000;

/** Where and how the stores of the suite are opened. */
export interface ConformancePlace {
  readonly database: string;
  readonly schema: string;
  readonly staleReadMs: number;
  /** The unit of time of the tests, which pass it in real time. */
  readonly tickMs: number;
}

export interface ConformanceTotals {
  readonly groups: readonly string[];
  readonly passed: number;
  readonly failed: number;
  /** At most ten, each with its title and its message. */
  readonly failures: readonly string[];
  /** `false`: it was cut short, or did not start. */
  readonly complete: boolean;
}

export type RunConformance = (
  groups: readonly string[],
  place: ConformancePlace,
  signal: AbortSignal,
) => Promise<ConformanceTotals>;

const MOST_FAILURES = 10;
const LONGEST = 300;

/** @param env holds the `FLEET_Q_LIVE_*` variables */
export function conformanceOf(env: NodeJS.ProcessEnv): RunConformance {
  return async (groups, place, signal) => {
    const totals = { passed: 0, failed: 0 };
    const failures: string[] = [];
    const child = spawn(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.live.config.ts', '-t', patternOf(groups)],
      {
        cwd: PROJECT,
        env: { ...ownVariables(env), [CONFORMANCE_VARIABLE]: JSON.stringify(place) },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true, // a group of its own, so that all of it can be ended
      },
    );
    child.stderr.resume();
    const exited = once(child, 'exit') as Promise<[number | null]>;
    const end = (): void => void endGroup(child.pid, exited);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith(MARK)) continue;
      const { title, state, message = '' } = JSON.parse(line.slice(MARK.length)) as Line;
      if (state === 'passed') totals.passed++;
      if (state !== 'failed') continue;
      totals.failed++;
      if (failures.length < MOST_FAILURES) failures.push(`${title}: ${message.replace(/\s+/g, ' ').slice(0, LONGEST)}`);
    }
    const [code] = await exited;
    signal.removeEventListener('abort', end);
    const ran = totals.passed + totals.failed > 0;
    return { groups, ...totals, failures, complete: !signal.aborted && ran && (code === 0 || totals.failed > 0) };
  };
}

interface Line {
  readonly title: string;
  readonly state: string;
  readonly message?: string;
}

/** The child is a vitest of its own: it must not take part in one that may run us. */
function ownVariables(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(VITEST|TEST$|NODE_OPTIONS$)/.test(name)));
}

async function endGroup(pid: number | undefined, exited: Promise<unknown>): Promise<void> {
  if (pid === undefined) return;
  const kill = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-pid, signal);
    } catch {
      // it has ended
    }
  };
  kill('SIGTERM');
  const timer = setTimeout(() => kill('SIGKILL'), END_MS);
  await exited.catch(() => {});
  clearTimeout(timer);
  kill('SIGKILL'); // what it may have left
}
