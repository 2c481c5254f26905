/**
 * What a row remembers of the settlements before its last one, in the column `earlier_settlements`.
 *
 * A pod learns what became of its settlement by a read, and others may be faster: they claim the step again and settle it, because a
 * retry may be due at once. `settled_token`, `settled_version` and `settled_by` are those of the other pod then. Without this memory, a
 * settlement that was applied would count as lost. A cancel of the step takes that place too, also when the step is pending: if
 * it is then retried, nothing else shows who has settled the claim.
 *
 * The column holds one fingerprint for each settlement, the newest first. A step that is settled once has none: only a settlement
 * that takes the place of another one is remembered here.
 */

/** What another pod settles while a pod waits to read its receipt takes it two UPDATEs each time. */
const REMEMBERED = 20;
/** Of MD5, in hexadecimal digits. */
const FINGERPRINT_LENGTH = 32;

/** Of what a receipt compares. The hash of the token has a fixed length, and a version has no space: so nothing runs into each other. */
const fingerprint = (token: string, version: string, by: string): string =>
  `MD5(MD5(${token}) || ${version}::VARCHAR || ' ' || ${by})`;

const LAST = fingerprint('t.settled_token', 't.settled_version', 't.settled_by');

/** The memory of a row `t` after a settlement that takes the place of its last one, if it has one. */
export const REMEMBER_LAST = `COALESCE(LEFT(${LAST} || COALESCE(t.earlier_settlements, ''), ${REMEMBERED * FINGERPRINT_LENGTH}), t.earlier_settlements)`;

/** Whether a row `s` remembers this settlement among its earlier ones. */
export const remembers = (settlement: {
  readonly token: string;
  readonly version: string;
  readonly by: string;
}): string => `CONTAINS(s.earlier_settlements, ${fingerprint(settlement.token, settlement.version, settlement.by)})`;
