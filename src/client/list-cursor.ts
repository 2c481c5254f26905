/**
 * The cursor of a listing as callers carry it: the store's own, and a mark of the listing that it belongs to.
 *
 * Invariants:
 * - A cursor continues its own listing, and is refused by every other one.
 * - The text needs no escaping in a URL or a shell.
 */
import { show, ValidationError } from '../errors.js';

/** @param listing the conditions and the order of the listing */
export function encodeCursor(cursor: string, listing: unknown): string {
  return Buffer.from(`${markOf(listing)}${cursor}`).toString('base64url');
}

/**
 * The store's cursor.
 *
 * @throws ValidationError `OPTION_INVALID`, naming `after`: the text is no cursor, or that of another listing
 */
export function decodeCursor(text: string, listing: unknown): string {
  const bytes = Buffer.from(text, 'base64url');
  const decoded = bytes.toString();
  const isCursor = bytes.toString('base64url') === text && /^[0-9a-z]{7}/.test(decoded);
  if (!isCursor)
    throw new ValidationError('OPTION_INVALID', 'after', `expected the next of an earlier page, got ${show(text)}`);
  if (decoded.slice(0, MARK_LENGTH) === markOf(listing)) return decoded.slice(MARK_LENGTH);
  throw new ValidationError(
    'OPTION_INVALID',
    'after',
    `is of a listing with other filters or another order, got ${show(text)}`,
  );
}

const MARK_LENGTH = 7;

/** FNV-1a of the listing's JSON. It finds mistakes; it does not resist malice. */
function markOf(listing: unknown): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(JSON.stringify(listing))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(36).padStart(MARK_LENGTH, '0');
}
