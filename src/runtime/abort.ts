/**
 * Calls back when a signal aborts, with one listener per signal.
 *
 * Invariants:
 * - However many callbacks wait under a signal, it has one listener of ours: Node.js warns of a leak at the eleventh.
 * - When no callback waits any more, the signal holds nothing of ours.
 */

interface Waiting {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

const WAITING = new WeakMap<AbortSignal, Waiting>();

/** Calls back once when the signal aborts, and never if it has aborted already. Returns a function that ends the wait. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const waiting = WAITING.get(signal) ?? listen(signal);
  const own = (): void => callback(); // the same callback may be added twice
  waiting.callbacks.add(own);
  return () => {
    if (!waiting.callbacks.delete(own) || waiting.callbacks.size > 0) return;
    signal.removeEventListener('abort', waiting.listener);
    if (WAITING.get(signal) === waiting) WAITING.delete(signal);
  };
}

function listen(signal: AbortSignal): Waiting {
  const callbacks = new Set<() => void>();
  const listener = (): void => {
    WAITING.delete(signal);
    for (const callback of [...callbacks]) callback();
  };
  const waiting = { callbacks, listener };
  WAITING.set(signal, waiting);
  signal.addEventListener('abort', listener, { once: true });
  return waiting;
}
