/** Refuses calls to a store that is about to be closed. */
import { StoppedError } from '../errors.js';

/**
 * @param closing a signal that is aborted before the store is closed
 * @param method the name of the called method, for the error
 * @throws StoppedError
 */
export function unlessClosing<T>(closing: AbortSignal, method: string, call: () => Promise<T>): Promise<T> {
  return closing.aborted ? Promise.reject(new StoppedError(method)) : call();
}
