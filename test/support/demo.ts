/** The demo as a new user runs it: in a process group of its own, with a folder for its temporary files. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import type { Summary } from '../../src/cli/demo/summary.js';
import { KEEPER } from './fakesnow/emulator.js';
import { temporaryFolder } from './temp.js';

/** The folder and the processes are polled for so long. Only something left behind takes the whole time. */
const GRACE_MS = 10_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Temporary files that it left, and `a process` if one of its group still runs. */
  readonly left: readonly string[];
}

export interface RunningDemo {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Sends a signal to each process of the group, as Ctrl-C does. */
  interrupt(): void;
}

export function startDemo(args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningDemo {
  const folder = temporaryFolder();
  const child = spawn(process.execPath, ['dist/cli.js', 'demo', ...args], {
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    // The demo must start everything that it needs.
    env: { ...process.env, [KEEPER]: undefined, TMPDIR: folder, ...env },
  });
  onTestFinished(() => void signalGroup(child, 'SIGKILL'));
  return { child, ended: result(child, folder), interrupt: () => signalGroup(child, 'SIGINT') };
}

/** The summary of a demo with this number of files, which must keep every promise of the README. */
export function expectPromisesKept(demo: Ended, files: number): Summary {
  expect(demo.code, demo.stderr).toBe(0);
  const summary = JSON.parse(demo.stdout.trim().split('\n').at(-1) ?? '') as Summary;
  expect(summary).toMatchObject({ submitted: files, completed: files, lost: 0, wrong: 0, settledTwice: 0 });
  expect(summary.recovered).toBeGreaterThanOrEqual(1);
  expect(summary.staleRefused).toBeGreaterThanOrEqual(1);
  expect(summary.ranTwice).toBeGreaterThanOrEqual(1);
  expect(summary.recoveryMs).toBeGreaterThan(0);
  expect(summary.kills.at(-1)).toMatchObject({ reason: 'leader' });
  expect(demo.left).toEqual([]);
  return summary;
}

async function result(child: ChildProcess, folder: string): Promise<Ended> {
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'exit') as Promise<[number | null]>,
  ]);
  // tsx keeps a cache.
  const left = readdirSync(folder).filter((name) => !name.startsWith('tsx-'));
  if (!(await isGone(child))) left.push('a process');
  return { code, stdout, stderr, left };
}

/** tsx runs esbuild in a process of its own, which ends a little later. */
async function isGone(child: ChildProcess): Promise<boolean> {
  for (const end = performance.now() + GRACE_MS; signalGroup(child, 0);) {
    if (performance.now() > end) return false;
    await pause(20);
  }
  return true;
}

/** @returns whether there was such a process */
function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}
