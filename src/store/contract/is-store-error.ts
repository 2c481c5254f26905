/** Recognizes the errors of a store. */
import { isA, isError, StoreError } from '../../errors.js';

/**
 * Whether this is a `StoreError` of any copy of this package. A store from elsewhere may have a copy of its own, whose class
 * `instanceof` does not know.
 */
export function isStoreError(thrown: unknown): thrown is StoreError {
  if (isA(thrown, StoreError)) return true;
  try {
    if (!isError(thrown) || thrown.name !== 'StoreError') return false;
    const { code, transient } = thrown as Partial<StoreError>;
    return typeof code === 'string' && typeof transient === 'boolean';
  } catch {
    return false; // a trap or a getter threw
  }
}
