/** The real runtime, but for its clocks: a test moves both ahead, while timers and I/O go their own way. */
import { systemRuntime, type Runtime } from '../../src/runtime/runtime.js';

export interface ShiftedRuntime extends Runtime {
  /** Lets so much time pass at once. */
  pass(ms: number): void;
}

export function shiftedRuntime(): ShiftedRuntime {
  let shift = 0;
  return {
    ...systemRuntime,
    wallMs: () => systemRuntime.wallMs() + shift,
    monotonicMs: () => systemRuntime.monotonicMs() + shift,
    pass: (ms) => {
      shift += ms;
    },
  };
}
