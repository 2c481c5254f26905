/** How callers of a simulated fleet wait for the ends of steps. */
import type { WaitOptions } from '../../../src/index.js';
import type { WaitHow } from '../plan/plan.js';
import type { SimulatedProcess } from './simulated-process.js';

/** How long a caller waits for the end of a step. */
const WAIT_MS = 20_000;
const BRIEFLY_MS = 60;
/** After this time a caller has changed its mind. */
const ABORT_MS = 400;

/** Waits for one step. `aborts` in the details says that the caller gave up. */
export function waitFor(caller: SimulatedProcess, stepId: string, how: WaitHow | undefined): Promise<unknown> {
  const { aborts = false, ...options } = optionsOf(caller, how);
  const details = { stepId, ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }) };
  return caller.call(
    'waitFor',
    (queue) => queue.waitFor(stepId, options),
    { ...details, ...(aborts ? { aborts } : {}) },
    () => ({}),
  );
}

function optionsOf(caller: SimulatedProcess, how: WaitHow | undefined): WaitOptions & { readonly aborts?: boolean } {
  switch (how) {
    case 'briefly':
      return { timeoutMs: BRIEFLY_MS };
    case 'without a time-out':
      return {};
    case 'aborted before':
      return { signal: AbortSignal.abort(), timeoutMs: WAIT_MS, aborts: true };
    case 'aborted later': {
      const patience = new AbortController();
      caller.machine.after(ABORT_MS, () => patience.abort(new Error('the caller has changed its mind')));
      return { signal: patience.signal, aborts: true };
    }
    default:
      return { timeoutMs: WAIT_MS };
  }
}
