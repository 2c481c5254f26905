/** How SQL reads the values of a bind, which is a JSON text, and how it compares. */

/** A part of a JSON value; `undefined` is NULL, like a key that there is not. */
export function part(value: unknown, key: string): unknown {
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** `value::VARCHAR` */
export function text(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `value::NUMBER(38,0)` @throws Error for what is no number: the statement fails */
export function numeric(value: unknown): number | null {
  if (value === undefined || value === null) return null;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) {
    throw new Error(`100038: Numeric value ${JSON.stringify(value)} is not recognized`);
  }
  return roundHalfAway(number);
}

/** Away from zero, as a cast to NUMBER(38,0) rounds. */
const roundHalfAway = (n: number): number => (Number.isInteger(n) ? n : Math.sign(n) * Math.round(Math.abs(n)));

/** What FLATTEN makes of a value: the elements of an array, the values of an object, of all else nothing. */
export function flattened(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  return isRecord(value) ? Object.values(value) : [];
}

/** The texts of a list, each once. NULL is a value here, too. */
export function distinctTexts(list: unknown): ReadonlySet<string | null> {
  return new Set(flattened(list).map(text));
}

/** Texts are compared by their bytes. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A TIMESTAMP ends with the year 9999. */
export const LAST_INSTANT = 253402300799000;
