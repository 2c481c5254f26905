/** The real runtime with clocks and timers that run at another rate, so that a modelled second takes more or less than one. */
import { systemRuntime, type Runtime } from '../../src/runtime/runtime.js';

/** @param rate how many modelled ms pass in one real ms */
export function scaledRuntime(rate: number): Runtime {
  const [wall, monotonic] = [systemRuntime.wallMs(), systemRuntime.monotonicMs()];
  return {
    ...systemRuntime,
    wallMs: () => Math.floor(wall + (systemRuntime.wallMs() - wall) * rate),
    monotonicMs: () => monotonic + (systemRuntime.monotonicMs() - monotonic) * rate,
    after: (delayMs, callback, options) => systemRuntime.after(delayMs / rate, callback, options),
  };
}
