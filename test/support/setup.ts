/**
 * The leak guard: after each test file no timer, handle, watcher, worker or child process that it started may be left.
 *
 * An unhandled rejection fails the run without this guard: the runner counts it as an error. The guard's wait gives late
 * ones time to appear.
 */
import type { ChildProcess } from 'node:child_process';
import diagnostics from 'node:diagnostics_channel';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import nodeTimers from 'node:timers';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll } from 'vitest';
import { leftOver, tally } from './leaks.js';

/** How long resources may take to end after they were asked to. */
const GRACE_MS = 2_000;
const LOOK_EVERY_MS = 10;

// The real one: a test may leave fake timers installed, and the guard must not count its own timer.
const { setTimeout } = globalThis;

// `getActiveResourcesInfo` shows only what keeps the process alive, and includes the runner's own timers. So timers, and
// resources that may be unref'd, are tracked from their creation. The values describe what was left.
const watched = new Map<object, () => string>();

diagnostics.subscribe('worker_threads', (message) => {
  const { worker } = message as { worker: Worker };
  watched.set(worker, () => 'a worker thread');
  worker.once('exit', () => watched.delete(worker));
});

diagnostics.subscribe('child_process', (message) => {
  const { process: child } = message as { process: ChildProcess };
  watched.set(child, () => `the child process "${child.spawnargs.join(' ')}"`);
  // Not `close`: it waits for pipes that a grandchild may hold. A process that failed to start never exits.
  child.once('exit', () => watched.delete(child));
  child.once('error', () => child.pid === undefined && watched.delete(child));
});

const { watch } = fs;
fs.watch = ((...args: Parameters<typeof watch>) => {
  const watcher = watch(...args);
  watched.set(watcher, () => `fs.watch("${String(args[0])}")`);
  watcher.once('close', () => watched.delete(watcher));
  return watcher;
}) as typeof watch;

function watchTimers(set: 'setTimeout' | 'setInterval', clear: 'clearTimeout' | 'clearInterval'): void {
  const [setTimer, clearTimer] = [globalThis[set], globalThis[clear]];
  const watching = (callback: (...args: unknown[]) => unknown, delayMs?: number, ...args: unknown[]) => {
    const fire = (...given: unknown[]) => {
      if (set === 'setTimeout') watched.delete(timer);
      return callback(...given);
    };
    const timer: NodeJS.Timeout = setTimer(fire, delayMs, ...args);
    watched.set(timer, () => `${set}(${callback.name || '…'}, ${delayMs})`);
    return timer;
  };
  const clearing = (timer?: NodeJS.Timeout | string | number) => {
    if (typeof timer === 'object') watched.delete(timer);
    clearTimer(timer);
  };
  // Their other properties, such as the promise form for `util.promisify`, stay.
  for (const [name, replacement, original] of [
    [set, watching, setTimer],
    [clear, clearing, clearTimer],
  ] as const) {
    const whole = Object.defineProperties(replacement, {
      ...Object.getOwnPropertyDescriptors(replacement),
      ...Object.getOwnPropertyDescriptors(original),
    });
    Object.assign(globalThis, { [name]: whole });
    Object.assign(nodeTimers, { [name]: whole });
  }
}

watchTimers('setTimeout', 'clearTimeout');
watchTimers('setInterval', 'clearInterval');
syncBuiltinESMExports(); // for `import { watch } from 'node:fs'`

let before: ReadonlyMap<string, number>;

beforeAll(() => {
  before = tally(process.getActiveResourcesInfo());
});

// Registered before the hooks of the test file. Such hooks run in reverse order, so this one runs last.
afterAll(async () => {
  let left: string[] = [];
  for (let waitedMs = 0; waitedMs <= GRACE_MS; waitedMs += LOOK_EVERY_MS) {
    left = [...watched.values()].map((describe) => describe());
    left.push(...leftOver(before, process.getActiveResourcesInfo()));
    if (left.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`the test file left running: ${left.join(', ')}`);
});
