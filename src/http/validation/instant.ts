/** Instants as RFC 3339 writes them. */
const INSTANT = /^\d{4}-(0\d|1[0-2])-[0-3]\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;

/** Whether this is an instant from 1970 on: a day that exists, a time, and an offset. */
export function isInstant(text: string): boolean {
  if (!INSTANT.test(text) || !(Date.parse(text) >= 0)) return false;
  const day = Number(text.slice(8, 10));
  return new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate() === day; // Date.parse takes 30 February
}
