/** Long work in slices, so that the host's event loop gets its turn. */
import { types } from 'node:util';
import type { Runtime } from './runtime.js';

/** How long a slice may keep the event loop, in ms. */
const SLICE_MS = 4;
/** Items between two looks at the clock. */
const LOOK_EVERY = 16;

/** Maps items one by one; whenever a slice of time is used up, lets the event loop turn first. Stops at the first throw. */
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
    if (mapped.length % LOOK_EVERY === 0 && runtime.monotonicMs() > sliceEndsAt) {
      await runtime.yield();
      sliceEndsAt = runtime.monotonicMs() + SLICE_MS;
    }
  }
  return mapped;
}
