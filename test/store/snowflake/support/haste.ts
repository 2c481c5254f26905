/**
 * Time in haste: what waits by the store's clock, and the pauses between the driver's own retries (1 to 16 s), so many
 * times faster. What the emulator needs for a statement stays as it is.
 */
import { createRequire } from 'node:module';
import { systemRuntime, type Runtime } from '../../../../src/runtime/runtime.js';

export function hasty(times: number): Runtime {
  return {
    ...systemRuntime,
    monotonicMs: () => systemRuntime.monotonicMs() * times,
    after: (delayMs, callback, options) => systemRuntime.after(delayMs / times, callback, options),
  };
}

interface DriverUtil {
  sleep(ms: number): Promise<void>;
}

/** Makes the driver's pauses shorter; returns what takes it back. */
export function hurryDriver(times: number): () => void {
  const util = createRequire(import.meta.url)('snowflake-sdk/dist/lib/util.js') as DriverUtil;
  const { sleep } = util;
  util.sleep = (ms) => sleep(ms / times);
  return () => void (util.sleep = sleep);
}
