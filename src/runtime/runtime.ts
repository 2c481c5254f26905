/**
 * The clocks, timers and randomness that the library uses.
 *
 * Invariants: outside this folder no code of the library uses `Date`, `performance`, `Math.random`, the randomness of
 * `node:crypto`, or a timer of any kind (a test bans them). So a simulation can run all code that takes a {@link Runtime},
 * with a clock that it controls and a seed that it chose, and fake timers of a host do not affect it.
 */
import { randomFillSync } from 'node:crypto';
import { onAbort } from './abort.js';
import { native } from './native-globals.js';

/** A timer that has been set. Cancelling one that fired, or cancelling twice, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Options of a timer. */
export interface TimerOptions {
  /** Whether the timer keeps the process alive. Default `true`. */
  readonly ref?: boolean;
}

/** Clocks, randomness and timers. */
export interface Runtime {
  /** Wall-clock time in epoch milliseconds. It may jump either way; never measure a duration with it. */
  wallMs(): number;
  /**
   * Milliseconds since an arbitrary start, fractional; never goes back. It may stand still while the machine sleeps.
   * Processes of one host share the start (usually its boot), so they can compare readings.
   */
  monotonicMs(): number;
  /** A random number, `0 <= n < 1`. */
  random(): number;
  /** A new time-ordered UUID (version 7, RFC 9562): ids made later sort later, within one process strictly. */
  uuid(): string;
  /** Calls `callback` once after `delayMs` (at least; clamped to 0 … 2³¹−1). */
  after(delayMs: number, callback: () => void, options?: TimerOptions): Timer;
  /** Resolves in a later turn of the event loop, after pending I/O was handled. */
  yield(): Promise<void>;
}

/** The longest delay that Node's timers take; a longer one would fire at once. */
export const MAX_DELAY_MS = 2_147_483_647;

/** Resolves after `delayMs`, or as soon as `signal` aborts. The caller checks the signal to know which. */
export function sleep(runtime: Runtime, delayMs: number, signal?: AbortSignal, options?: TimerOptions): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      timer.cancel();
      stopListening?.();
      resolve();
    };
    const timer = runtime.after(delayMs, done, options);
    const stopListening = signal && onAbort(signal, done);
  });
}

/** From the host's monotonic clock to this thread's, which counts from the thread's start. */
const SINCE_BOOT_MS = Number(native.hostNs()) / 1e6 - native.threadMs();

/** The process's clocks, its random source and Node's timers. */
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

/** Returns random bytes from a pool: one system call for many ids is 1.8 times as fast as one call for each id. */
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
/** The position of each byte of a UUID in its text. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const;

/**
 * Makes a generator of UUIDs of version 7: 48 bits of wall time, 12 bits of a counter that keeps ids of one millisecond
 * in order (RFC 9562 §6.2, method 1), 62 random bits. If the clock goes back, the ids still increase.
 *
 * The text is written into one buffer. A text that is concatenated from parts stays a tree of strings until it is first
 * read: four times the cost, and more garbage.
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

/** The wall clock as the host's own code sees it, in epoch ms: that of a fake `Date`, if a test has installed one. */
export function hostWallMs(): number {
  return Date.now();
}

/** An instant as ISO 8601, in UTC. @param ms epoch milliseconds */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
