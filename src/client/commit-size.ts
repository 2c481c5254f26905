/** How much goes into one commit: bounded in steps, and in text, since long payloads take long to write. */

/** Most characters of payload in one commit: about 5 ms of writing on the embedded store. One step may be larger. */
const MOST_CHARACTERS = 1_000_000;

/** The index behind the last item of the commit that begins at `from`; there is always at least one in it. */
export function commitEnd<T>(
  items: readonly T[],
  from: number,
  mostItems: number,
  payloadOf: (item: T) => string,
): number {
  let characters = 0;
  let end = from;
  for (const item of items.slice(from, from + mostItems)) {
    characters += payloadOf(item).length;
    if (characters > MOST_CHARACTERS && end > from) break;
    end++;
  }
  return end;
}
