/** Instants as answers show them. */

/** The last instant that a `Date` can name. */
const MAX_INSTANT = 8_640_000_000_000_000;

/** ISO 8601 in UTC, with ms. An instant that no `Date` can name (a row changed by hand) becomes the nearest one. */
export function isoInstant(epochMs: number): string {
  const ms = Number.isFinite(epochMs) ? epochMs : 0;
  return new Date(Math.min(Math.max(ms, -MAX_INSTANT), MAX_INSTANT)).toISOString();
}
