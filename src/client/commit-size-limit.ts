/** Bounds a commit in steps and in characters, because long payloads take long to write. */

/** The most characters of payload in one commit: about 5 ms of writing on SQLite. A single step may be larger. */
const MAX_CHARACTERS = 1_000_000;

/** The end (exclusive) of the commit that starts at `from`. It holds at least one item. */
export function commitEnd<T>(
  items: readonly T[],
  from: number,
  maxItems: number,
  payloadOf: (item: T) => string,
): number {
  let characters = 0;
  let end = from;
  for (const item of items.slice(from, from + maxItems)) {
    characters += payloadOf(item).length;
    if (characters > MAX_CHARACTERS && end > from) break;
    end++;
  }
  return end;
}
