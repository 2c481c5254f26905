/**
 * The leak guard: after each test file nothing that it started may be left, be it a timer, a handle, a watcher, a worker
 * or a child process. "Stopped" means stopped. (A rejection that nobody handled fails the run by itself: the runner
 * counts it as an error, and the guard's grace gives the late ones time to show.)
 */
import type { ChildProcess } from 'node:child_process';
import diagnostics from 'node:diagnostics_channel';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import nodeTimers from 'node:timers';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll } from 'vitest';
import { leftOver, tally } from './leaks.js';

/** How long what was told to end may take to do so. */
const GRACE_MS = 2_000;
const LOOK_EVERY_MS = 10;

// The real one: a test may leave fake timers behind, and the guard must not count its own.
const { setTimeout } = globalThis;

// `getActiveResourcesInfo` sees only what keeps the process alive, and counts the runner's own timers among the test's.
// So what may be unref'd, and timers, are watched from their birth. The values say what was left.
const watched = new Map<object, () => string>();

diagnostics.subscribe('worker_threads', (message) => {
  const { worker } = message as { worker: Worker };
  watched.set(worker, () => 'a worker thread');
  worker.once('exit', () => watched.delete(worker));
});

diagnostics.subscribe('child_process', (message) => {
  const { process: child } = message as { process: ChildProcess };
  watched.set(child, () => `the child process "${child.spawnargs.join(' ')}"`);
  // Not `close`, which waits for pipes that a grandchild may hold; and what failed to start never exits.
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
  // What else hangs on them, such as the promise form for `util.promisify`, stays.
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

// Registered before any hook of the test file, and such hooks run in reverse order: this one comes after the file's own.
afterAll(async () => {
  let left: string[] = [];
  for (let waitedMs = 0; waitedMs <= GRACE_MS; waitedMs += LOOK_EVERY_MS) {
    left = [...watched.values()].map((describe) => describe());
    left.push(...leftOver(before, process.getActiveResourcesInfo()));
    if (left.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`The test file left running: ${left.join(', ')}`);
});
