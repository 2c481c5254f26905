/**
 * Binds: what fits one statement.
 *
 * Law: a statement has one bind, a JSON text of less than a megabyte. A list that is longer travels in several statements;
 * a single value that is longer is refused for good.
 */
import { StoreError } from '../../errors.js';

/** Snowflake takes a megabyte; what is around the list needs room too. */
export const MAX_BIND_BYTES = 950_000;

/** One part of a list, as the texts of a JSON array. */
export interface BindChunk<T> {
  readonly items: readonly T[];
  readonly json: string;
}

/**
 * Splits a list so that the JSON of each part fits a bind. A part is encoded when it is asked for: a long list in one go
 * would keep the event loop, and all of it in memory.
 *
 * @param encode what is bound of an item
 * @param nameOf names an item in the error
 * @throws StoreError `STORE_REFUSED` where one item alone does not fit
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
    `a value cannot be stored: ${name} takes ${bytes} bytes of one bind, at most ${MAX_BIND_BYTES} fit`,
    false,
  );
}
