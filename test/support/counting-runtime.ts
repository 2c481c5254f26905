/** A runtime whose time moves with each look at it, so that what takes many steps yields many times on any machine. */
import { systemRuntime, type Runtime } from '../../src/runtime/runtime.js';

export interface CountingRuntime extends Runtime {
  /** How often the event loop was let turn. */
  readonly yields: number;
}

export function countingRuntime(): CountingRuntime {
  let [now, yields] = [0, 0];
  return {
    ...systemRuntime,
    monotonicMs: () => (now += 1),
    yield: async () => void yields++,
    get yields() {
      return yields;
    },
  };
}
