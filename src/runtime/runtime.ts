/**
 * Clocks, timers and randomness, as the library uses them.
 *
 * Invariants: outside of this folder nothing in the library touches `Date`, `performance`, `Math.random`, the randomness
 * of `node:crypto`, or a timer of any kind (a test bans them). Whatever runs on a {@link Runtime} can therefore be run by
 * a simulation, under a clock that it controls and a seed that it chose; and no fake timers of a host reach it.
 */
import { randomFillSync } from 'node:crypto';
import { onAbort } from './abort.js';
import { native } from './native-globals.js';

/** A timer that has been set. Cancelling one that fired, or cancelling twice, does nothing. */
export interface Timer {
  cancel(): void;
}

/** How a timer is set. */
export interface TimerOptions {
  /** Whether the timer keeps the process alive. Default `true`. */
  readonly ref?: boolean;
}

/** Clocks, chance and timers. */
export interface Runtime {
  /** Wall-clock time in epoch milliseconds. It may jump either way; never measure a duration with it. */
  wallMs(): number;
  /**
   * Milliseconds since an arbitrary start, fractional; never goes back. It may stand still while the machine sleeps.
   * Processes of one host share the start (mostly its boot), so that they can compare readings.
   */
  monotonicMs(): number;
  /** A random number, `0 <= n < 1`. */
  random(): number;
  /** A new time-ordered UUID (version 7, RFC 9562): ids made later sort later, within one process strictly. */
  uuid(): string;
  /** Calls `callback` once after `delayMs` (at least; clamped to 0 … 2³¹−1). */
  after(delayMs: number, callback: () => void, options?: TimerOptions): Timer;
  /** Resolves in a later turn of the event loop, after pending I/O had its chance. */
  yield(): Promise<void>;
}

/** The longest delay that Node's timers take; a longer one would fire at once. */
export const MAX_DELAY_MS = 2_147_483_647;

/** Resolves after `delayMs`, or as soon as `signal` aborts: the caller looks at the signal to tell which. */
export function sleep(runtime: Runtime, delayMs: number, signal?: AbortSignal, options?: TimerOptions): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      unhear?.();
      resolve();
    };
    const timer = runtime.after(delayMs, done, options);
    const unhear = signal && onAbort(signal, done);
  });
}

/** From the host's monotonic clock to this thread's, which counts from the thread's start. */
const SINCE_BOOT_MS = Number(native.hostNs()) / 1e6 - native.threadMs();

/** The real thing: the process's clocks, its random source and Node's timers. */
export const systemRuntime: Runtime = {
  wallMs: native.wallMs,
  monotonicMs: () => SINCE_BOOT_MS + native.threadMs(),
  random: native.random,
  uuid: createUuidV7(native.wallMs, pooledBytes()),
  after(delayMs, callback, options) {
    const timer = native.setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_DELAY_MS));
    if (options?.ref === false) timer.unref();
    return { cancel: () => native.clearTimeout(timer) };
  },
  yield: () => new Promise((resolve) => native.setImmediate(resolve)),
};

/** Hands out random bytes from a pool: one system call for many ids (1.8 times the speed of one call an id). */
function pooledBytes(): () => number {
  const pool = new Uint8Array(4096);
  let next = pool.length;
  return () => {
    if (next === pool.length) {
      randomFillSync(pool);
      next = 0;
    }
    return pool[next++] ?? 0;
  };
}

const HEX_DIGITS = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
/** Where each byte of a UUID stands in its text. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;

/**
 * Makes a generator of UUIDs of version 7: 48 bits of wall time, 12 bits of a counter that keeps ids of one millisecond
 * in order (RFC 9562 §6.2, method 1), 62 bits of chance. A clock that goes back does not take the ids with it.
 *
 * The text is made in one piece: put together from parts, each id is a tree of them until it is first read, at four
 * times the cost, and the more to collect.
 */
export function createUuidV7(wallMs: () => number, randomByte: () => number): () => string {
  const text = Buffer.alloc(36, '-');
  let lastMs = 0;
  let counter = 0;
  const put = (index: number, byte: number): void => {
    const place = PLACES[index] ?? 0;
    text[place] = HEX_DIGITS[(byte >>> 4) & 15] ?? 0;
    text[place + 1] = HEX_DIGITS[byte & 15] ?? 0;
  };
  return () => {
    const now = wallMs();
    if (now > lastMs) {
      lastMs = now;
      counter = randomByte() & 0x7f; // leaves room to count up within the millisecond
    } else if (++counter > 0xfff) {
      lastMs++;
      counter = 0;
    }
    const high = Math.floor(lastMs / 0x1_0000);
    for (let i = 0; i < 4; i++) put(i, high >>> (24 - 8 * i));
    put(4, lastMs >>> 8);
    put(5, lastMs);
    put(6, 0x70 | (counter >>> 8));
    put(7, counter);
    put(8, 0x80 | (randomByte() & 0x3f));
    for (let i = 9; i < 16; i++) put(i, randomByte());
    return text.toString('latin1');
  };
}

/** An instant as ISO 8601, in UTC. @param ms epoch milliseconds */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
