/** Bounds what an answer holds. */

/** The most entries of a list or a map in an answer. */
export const MOST_ENTRIES = 1_000;

/** The first entries of a map, after sorting if `order` is given. */
export function boundedEntries<T>(
  map: Readonly<Record<string, T>>,
  order?: (a: string, b: string) => number,
): Record<string, T> {
  const entries = Object.entries(map);
  if (order !== undefined) entries.sort(([a], [b]) => order(a, b));
  return Object.fromEntries(entries.slice(0, MOST_ENTRIES));
}

/** Deeper values are not written: `JSON.stringify` would overflow the stack. */
const MOST_LEVELS = 500;

/** Whether the JSON of this value is longer than `limit` characters, more or less, or nests too deeply. It stops once it is. */
export function isLongerThan(value: unknown, limit: number): boolean {
  return remaining(value, limit, MOST_LEVELS) < 0;
}

function remaining(value: unknown, left: number, levels: number): number {
  if (typeof value === 'string') return left - value.length - 2;
  if (typeof value !== 'object' || value === null) return left - 8;
  if (levels === 0) return -1;
  if (Array.isArray(value)) return remainingOfList(value, left - 2, levels - 1);
  let rest = left - 2;
  for (const [key, each] of Object.entries(value)) {
    rest = remaining(each, rest - key.length - 3, levels - 1);
    if (rest < 0) break;
  }
  return rest;
}

/** `Object.entries` of a list of 100,000 numbers takes 50 ms. */
function remainingOfList(list: readonly unknown[], left: number, levels: number): number {
  let rest = left;
  for (const each of list) {
    rest = remaining(each, rest - 1, levels);
    if (rest < 0) break;
  }
  return rest;
}
