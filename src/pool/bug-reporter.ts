/** What happens when the library notices a bug of its own. */
import type { Log } from '../log.js';
import { systemRuntime, type Runtime } from '../runtime/runtime.js';

/**
 * Returns the reporter of bugs for a pool. With a simulated runtime, which only tests use, a bug throws. With the system's
 * runtime it is logged and the pool continues.
 */
export function bugReporter(runtime: Runtime, log: Log): (problem: string) => void {
  if (runtime === systemRuntime)
    return (problem) => log.error({ problem }, 'bug in fleet-q, ignored; please report it');
  return (problem) => {
    throw new Error(`bug in fleet-q: ${problem}`);
  };
}
