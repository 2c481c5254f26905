/** Stopping on signals: opt-in, since a library must not take a process's signals by itself. */
import type { AnyFleetQ } from './api.js';

export interface StopOnSignalsOptions {
  /** Default SIGTERM (what Kubernetes sends) and SIGINT (Ctrl-C). */
  readonly signals?: readonly NodeJS.Signals[];
  /**
   * Called once the queue has stopped. Default: the signal is sent to the process again, now with its default effect, so
   * that whoever waits for the process sees how it ended.
   */
  readonly then?: (signal: NodeJS.Signals) => void;
}

/**
 * Stops the queue at the first signal; a second one has its default effect at once.
 *
 * @returns what takes the handlers away again
 * @example stopOnSignals(queue);
 */
export function stopOnSignals(queue: AnyFleetQ, options: StopOnSignalsOptions = {}): () => void {
  const { signals = ['SIGTERM', 'SIGINT'], then = (signal: NodeJS.Signals) => process.kill(process.pid, signal) } =
    options;
  const remove = (): void => {
    for (const signal of signals) process.off(signal, onSignal);
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    remove();
    void queue.stop().then(() => then(signal));
  };
  for (const signal of signals) process.on(signal, onSignal);
  return remove;
}
