/** What it means that a store refuses a batch. */
import type { StoreError } from '../../errors.js';
import { isStoreError } from './is-store-error.js';

/**
 * Whether a call failed because the store cannot hold a value of its batch (`STORE_REFUSED`). The same batch would be
 * refused again; without that value it would be accepted.
 */
export function isRefusal(error: unknown): error is StoreError {
  return isStoreError(error) && error.code === 'STORE_REFUSED';
}
