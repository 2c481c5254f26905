/**
 * Ends a verb on SIGINT and SIGTERM.
 *
 * Invariants: the first signal aborts the work, so that it can tidy up. A second one ends the process at once.
 */
import { Interrupted } from './exit-codes.js';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Runs work until it ends, or until a signal comes.
 *
 * @throws Interrupted if a signal came first; the work's own result is dropped then
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let reject: (reason: Interrupted) => void = () => undefined;
  const interrupted = new Promise<never>((_, refuse) => (reject = refuse));
  const onSignal = (signal: NodeJS.Signals): void => {
    remove();
    const reason = new Interrupted(signal === 'SIGINT' ? 'SIGINT' : 'SIGTERM');
    reject(reason);
    controller.abort(reason);
  };
  const remove = (): void => SIGNALS.forEach((signal) => void process.off(signal, onSignal));
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    return await Promise.race([work(controller.signal), interrupted]);
  } finally {
    remove();
  }
}
