/**
 * The process's own clocks, timers and randomness, unaffected by the fake timers of an application's tests.
 *
 * Invariants:
 * - Each is taken once, when this module is imported. Fake timers (Jest, Vitest, Sinon) that a test installs later do not
 *   affect the queue. A queue under fake timers would send no heartbeats, and hang.
 * - Fakes that are installed before the import, as with Jest's `fakeTimers: { enableGlobally: true }`, are unwrapped.
 *   Sinon's fakes, which Jest and Vitest use too, have a property `clock`, which keeps each original under `_name`.
 */
import { performance } from 'node:perf_hooks';
import process from 'node:process';

/** The original of a global that may be a fake. */
function original<T>(name: string, value: T): T {
  const { clock } = value as { readonly clock?: Readonly<Record<string, unknown>> };
  return (clock?.[`_${name}`] as T | undefined) ?? value;
}

const date = original('Date', Date);
/** Fakes put their own `now` on the object, and leave its class unchanged. */
const { now } = Object.getPrototypeOf(performance) as { readonly now: (this: unknown) => number };

export const native = Object.freeze({
  setTimeout: original('setTimeout', setTimeout),
  clearTimeout: original('clearTimeout', clearTimeout),
  setImmediate: original('setImmediate', setImmediate),
  wallMs: date.now.bind(date),
  random: Math.random.bind(Math),
  /** Milliseconds since this thread's start. */
  threadMs: now.bind(performance),
  /** Nanoseconds of the host's monotonic clock. */
  hostNs: original('hrtime', process.hrtime).bigint.bind(process),
});
