/**
 * The clocks, timers and randomness of the process, whatever a test of the host has put in their place.
 *
 * Invariants:
 * - Each is taken once, when this module is imported, and never looked up again: fake timers (Jest, vitest, sinon) that a
 *   test installs later do not reach the queue. A queue under fake timers would stop heartbeating, and hang.
 * - Fakes that stand there already, as with Jest's `fakeTimers: { enableGlobally: true }`, are seen through: sinon's fakes,
 *   which Jest and vitest use too, carry their clock as `clock`, and that keeps what it has replaced under `_name`.
 */
import { performance } from 'node:perf_hooks';
import process from 'node:process';

/** What stands behind `fake`, if it is one. */
function behind<T>(name: string, fake: T): T {
  const { clock } = fake as { readonly clock?: Readonly<Record<string, unknown>> };
  return (clock?.[`_${name}`] as T | undefined) ?? fake;
}

const date = behind('Date', Date);
/** Fakes put a `now` of their own onto the object, and leave its class alone. */
const { now } = Object.getPrototypeOf(performance) as { readonly now: (this: unknown) => number };

export const native = Object.freeze({
  setTimeout: behind('setTimeout', setTimeout),
  clearTimeout: behind('clearTimeout', clearTimeout),
  setImmediate: behind('setImmediate', setImmediate),
  wallMs: date.now.bind(date),
  random: Math.random.bind(Math),
  /** Milliseconds since this thread's start. */
  threadMs: now.bind(performance),
  /** Nanoseconds of the host's monotonic clock. */
  hostNs: behind('hrtime', process.hrtime).bigint.bind(process),
});
