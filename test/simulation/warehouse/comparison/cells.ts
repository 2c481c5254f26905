/** The values of answered rows, as the emulator writes them and as a model answers them. */

export type Cell = string | number | null;

/** @param type the server's word for the column's type */
export function cellOf(value: string | null | undefined, type: string): Cell {
  if (value === null || value === undefined) return null;
  return ['fixed', 'real', 'decfloat'].includes(type.toLowerCase()) ? Number(value) : value;
}

/** A value of a model's row. */
export function modelledCell(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number') return value + 0; // no negative zero
  if (typeof value === 'string') return value;
  throw new TypeError(`a model answers texts, numbers and null, got ${typeof value}`);
}
