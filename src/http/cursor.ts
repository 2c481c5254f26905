/**
 * The cursor of a listing as clients carry it: the store's own, and a mark of the listing that it belongs to.
 *
 * Invariants: a cursor goes on where its listing stopped, and is refused by every other listing.
 */
import { show } from '../errors.js';
import { invalid } from './validation/violation.js';

/** A text that needs no escaping in a URL. */
export function encodeCursor(cursor: string, listing: unknown): string {
  const bytes = new TextEncoder().encode(`${markOf(listing)}${cursor}`);
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The store's cursor. @throws Problem `REQUEST_INVALID` */
export function decodeCursor(text: string, listing: unknown): string {
  const decoded = decodedText(text);
  if (decoded === undefined || decoded.length < MARK_LENGTH)
    throw invalid('after', `expected the next of an earlier page, got ${show(text)}`);
  if (decoded.slice(0, MARK_LENGTH) !== markOf(listing))
    throw invalid('after', `is of a listing with other filters or another order, got ${show(text)}`);
  return decoded.slice(MARK_LENGTH);
}

function decodedText(text: string): string | undefined {
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const MARK_LENGTH = 7;

/** FNV-1a of the listing's JSON: it finds mistakes, and does not resist malice. */
function markOf(listing: unknown): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(JSON.stringify(listing))) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(36).padStart(MARK_LENGTH, '0');
}
