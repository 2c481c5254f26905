/**
 * Hearing of an abort.
 *
 * Law: one listener on a signal, however many wait under it: a thousand waits under one signal are no leak, and must not
 * look like one (Node warns of the eleventh listener). Once nobody waits any more, the signal holds nothing of ours.
 */

interface Waiting {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

const WAITING = new WeakMap<AbortSignal, Waiting>();

/** Calls back once when the signal aborts; one that has aborted already never calls. Returns what ends the waiting. */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const waiting = WAITING.get(signal) ?? listen(signal);
  const own = (): void => callback(); // the same callback may wait twice
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
