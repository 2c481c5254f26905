/**
 * A runtime whose clock runs faster: the waits of the store, and the pauses between the driver's own
 * retries (1 to 16 s), are shorter by the given factor. The emulator's time for a statement stays as it is.
 */
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemRuntime, type Runtime } from '../../../../src/runtime/runtime.js';
import type { WarehouseProxy } from '../../../support/warehouse/proxy.js';

export function acceleratedRuntime(times: number): Runtime {
  return {
    ...systemRuntime,
    monotonicMs: () => systemRuntime.monotonicMs() * times,
    after: (delayMs, callback, options) => systemRuntime.after(delayMs / times, callback, options),
  };
}

interface DriverUtil {
  sleep(ms: number): Promise<void>;
}

/** Refuses requests for `ms`: the driver resends abandoned requests until one is refused. */
export async function refuseResends(proxy: WarehouseProxy, ms = 400): Promise<void> {
  proxy.faults.clear();
  proxy.faults.inject({ kind: 'status', status: 400 }, { times: Infinity });
  proxy.cut();
  await sleep(ms);
  proxy.faults.clear();
}

/** Makes the driver's pauses shorter. @returns a function that restores them */
export function hurryDriver(times: number): () => void {
  const util = createRequire(import.meta.url)('snowflake-sdk/dist/lib/util.js') as DriverUtil;
  const { sleep: unhurried } = util;
  util.sleep = (ms) => unhurried(ms / times);
  return () => void (util.sleep = unhurried);
}
