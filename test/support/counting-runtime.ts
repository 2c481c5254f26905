/** A runtime whose clock advances with each reading, so that long work yields many times on any machine. */
import { systemRuntime, type Runtime } from '../../src/runtime/runtime.js';

export interface CountingRuntime extends Runtime {
  /** How many times the event loop could turn. */
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
