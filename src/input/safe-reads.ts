/**
 * Reads values of any origin: thrown values, and objects whose getters or proxies may throw.
 *
 * Invariant: nothing here throws.
 */

/** The property of an object; `undefined` if it cannot be read, or if `from` is not an object. */
export function readProperty(from: unknown, key: string): unknown {
  if (typeof from !== 'object' || from === null) return undefined;
  try {
    return (from as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** Whether it is an array. `Array.isArray` throws for a revoked proxy. */
export function isReadableArray(value: unknown): value is unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}
