/**
 * Reads and restores the fields of an error beside its name, message, code, stack and causes: `status`, `errno`, `details`.
 *
 * Invariants:
 * - Only own, enumerable data properties are read: no getter, no `toJSON` and no proxy trap can run for long or change
 *   anything. A property that throws is left out.
 * - A field that JSON cannot carry as it is, or that does not fit the bound, is left out as a whole. So the request and
 *   response objects that HTTP clients hang on their errors are never walked through or stored.
 */
import { isReadableArray } from '../input/safe-reads.js';

/** The most characters of JSON, fields, and levels that are recorded of one error. */
const MAX_FIELDS_TEXT = 2_048;
const MAX_FIELDS = 32;
const MAX_LEVELS = 5;

/** Recorded elsewhere, or useless. */
const RESERVED: ReadonlySet<string> = new Set(['name', 'message', 'code', 'stack', 'cause', 'errors', '__proto__']);

/** Fields of an error beside its name, message, code, stack and causes, such as `status` or `details`, as plain JSON. */
export type ErrorFields = Readonly<Record<string, unknown>>;

/** The fields of a thrown value, as plain data; `undefined` if it has none. The items of an array are no fields. */
export function fieldsOf(thrown: object): ErrorFields | undefined {
  if (isReadableArray(thrown) || ArrayBuffer.isView(thrown)) return undefined;
  const fields: Record<string, unknown> = {};
  const budget = { left: MAX_FIELDS_TEXT };
  let count = 0;
  for (const key of keysOf(thrown)) {
    if (count === MAX_FIELDS) break;
    if (RESERVED.has(key)) continue;
    const attempt = { left: budget.left - key.length - 4 };
    const value = carried(valueAt(thrown, key), attempt, 1);
    if (value === undefined || attempt.left < 0) continue;
    budget.left = attempt.left;
    fields[key] = value;
    count++;
  }
  return count === 0 ? undefined : fields;
}

/** Puts recorded fields back on an error. They never replace its own properties. */
export function restoreFields(error: Error, fields: unknown): void {
  if (typeof fields !== 'object' || fields === null) return;
  for (const [key, value] of Object.entries(fields)) {
    if (RESERVED.has(key)) continue;
    Object.defineProperty(error, key, { value, enumerable: true, writable: true, configurable: true });
  }
}

/** A copy of plain data, or `undefined` if it is anything else, or too much. */
function carried(value: unknown, budget: { left: number }, level: number): unknown {
  if (budget.left < 0) return undefined;
  switch (typeof value) {
    case 'string':
      budget.left -= value.length + 2;
      return value;
    case 'number':
    case 'boolean':
      budget.left -= 8;
      if (value === 0) return 0; // JSON has no -0
      return typeof value === 'number' && !Number.isFinite(value) ? undefined : value;
    case 'object':
      budget.left -= 4;
      return value === null ? null : level > MAX_LEVELS ? undefined : carriedObject(value, budget, level);
    default:
      return undefined;
  }
}

function carriedObject(value: object, budget: { left: number }, level: number): unknown {
  const isArray = isReadableArray(value);
  if (isArray ? Number(valueAt(value, 'length')) > budget.left : !isPlainObject(value)) return undefined;
  const copy: Record<string, unknown> = {};
  const items: unknown[] = [];
  for (const key of keysOf(value)) {
    budget.left -= isArray ? 1 : key.length + 4;
    const part = key === '__proto__' ? undefined : valueAt(value, key);
    if (!isArray && part === undefined) continue; // JSON leaves it out, too
    const kept = carried(part, budget, level + 1);
    if (kept === undefined || budget.left < 0) return undefined;
    if (isArray) items.push(kept);
    else copy[key] = kept;
  }
  if (!isArray) return copy;
  return items.length === valueAt(value, 'length') ? items : undefined; // not one with holes
}

function keysOf(from: object): readonly string[] {
  try {
    return Object.keys(from);
  } catch {
    return [];
  }
}

function valueAt(from: object, key: string): unknown {
  try {
    return Object.getOwnPropertyDescriptor(from, key)?.value;
  } catch {
    return undefined;
  }
}

function isPlainObject(value: object): boolean {
  try {
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype === Object.prototype || prototype === null;
  } catch {
    return false;
  }
}
