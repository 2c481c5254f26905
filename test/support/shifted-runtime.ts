/** The real runtime with shifted clocks: a test moves both ahead, while timers and I/O are real. */
import { systemRuntime, type Runtime } from '../../src/runtime/runtime.js';

export interface ShiftedRuntime extends Runtime {
  /** Moves both clocks ahead by this many ms. */
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
