/** A pause that an abort signal ends. Any number of them may wait under one signal: they share one listener. */
import { onAbort } from '../../../src/runtime/abort.js';

/** Resolves after `ms`, or rejects with the signal's reason; leaves no timer behind. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.reject(signal.reason);
  if (ms <= 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
    const timer = setTimeout(() => {
      stopListening();
      resolve();
    }, ms);
  });
}

/** Resolves when `promise` does, if there is one, or rejects with the signal's reason. */
export async function unlessAborted(promise: Promise<unknown> | undefined, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (promise === undefined) return;
  let stopListening = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stopListening = onAbort(signal, () => reject(signal.reason as Error));
  });
  await Promise.race([promise, aborted]).finally(stopListening);
}
