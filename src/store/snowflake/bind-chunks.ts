/**
 * Splits a list into chunks whose JSON fits the bind of one statement.
 *
 * Invariant: a statement has one bind, a JSON text of less than a megabyte. A longer list travels in several statements. A
 * single value that is longer is refused permanently.
 */
import { StoreError } from '../../errors.js';

/** Snowflake accepts a megabyte, and the text around the list needs room, too. */
export const MAX_BIND_BYTES = 950_000;

/** A chunk of a list, with its JSON array. */
export interface BindChunk<T> {
  readonly items: readonly T[];
  readonly json: string;
}

/**
 * Splits a list so that the JSON of each chunk fits a bind. A chunk is encoded when it is needed: encoding a long list at once
 * would block the event loop, and hold all of it in memory.
 *
 * @param encode what is bound of an item
 * @param nameOf the name of an item in the error
 * @param most the most items of a chunk
 * @throws StoreError `STORE_REFUSED` if one item alone does not fit
 */
export function* bindChunks<T>(
  items: readonly T[],
  encode: (item: T) => unknown,
  nameOf: (item: T) => string,
  most = Infinity,
): Generator<BindChunk<T>, undefined> {
  let texts: string[] = [];
  let from = 0;
  let bytes = 0;
  for (const [at, item] of items.entries()) {
    const text = JSON.stringify(encode(item));
    const size = Buffer.byteLength(text) + 1;
    if (size > MAX_BIND_BYTES) throw tooLarge(nameOf(item), size);
    if (texts.length > 0 && (bytes + size > MAX_BIND_BYTES || texts.length >= most)) {
      yield { items: items.slice(from, at), json: `[${texts.join(',')}]` };
      [texts, from, bytes] = [[], at, 0];
    }
    texts.push(text);
    bytes += size;
  }
  if (texts.length > 0) yield { items: items.slice(from), json: `[${texts.join(',')}]` };
}

function tooLarge(name: string, bytes: number): StoreError {
  return new StoreError(
    'STORE_REFUSED',
    `a value cannot be stored: ${name} takes ${bytes} bytes of one bind, and at most ${MAX_BIND_BYTES} fit; store less in the step`,
    false,
  );
}
