/** Splits long work into time slices, so that it does not block the host's event loop. */
import { types } from 'node:util';
import type { Runtime } from './runtime.js';

/** How long a slice may block the event loop, in ms. */
const SLICE_MS = 4;
/** Items between two readings of the clock. */
const READ_CLOCK_EVERY = 16;

/** Maps items one after another. When a time slice is used up, it yields to the event loop. Rejects at the first throw. */
export async function mapInSlices<T, U>(
  runtime: Runtime,
  items: Iterable<T>,
  map: (item: T, index: number) => U | Promise<U>,
): Promise<U[]> {
  const mapped: U[] = [];
  let sliceEndsAt = runtime.monotonicMs() + SLICE_MS;
  for (const item of items) {
    const value = map(item, mapped.length);
    mapped.push(types.isPromise(value) ? await value : value);
    if (mapped.length % READ_CLOCK_EVERY === 0 && runtime.monotonicMs() > sliceEndsAt) {
      await runtime.yield();
      sliceEndsAt = runtime.monotonicMs() + SLICE_MS;
    }
  }
  return mapped;
}
