/** What a row remembers of the settlements before its last one: `earlier_settlements`. */
import { createHash } from 'node:crypto';
import type { StepRow } from '../tables.js';

const MOST_CHARACTERS = 20 * 32;

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/** NULL if any part is NULL. */
function fingerprint(token: string | null, version: number | null, by: string | null): string | null {
  if (token === null || version === null || by === null) return null;
  return md5(`${md5(token)}${version} ${by}`);
}

/** `REMEMBER_LAST` of the texts: the memory of a row after a settlement that takes the place of its last one. */
export function rememberLast(t: StepRow): string | null {
  const last = fingerprint(t.settled_token, t.settled_version, t.settled_by);
  return last === null ? t.earlier_settlements : (last + (t.earlier_settlements ?? '')).slice(0, MOST_CHARACTERS);
}

/** `remembers` of the texts. */
export function remembers(s: StepRow, token: string | null, version: number | null, by: string | null): boolean {
  if (s.earlier_settlements === null) return false;
  const found = fingerprint(token, version, by);
  return found !== null && s.earlier_settlements.includes(found);
}
