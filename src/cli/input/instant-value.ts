/** Instants as flags take them. */
import { InvalidArgumentError } from 'commander';
import { durationValue } from '../duration-value.js';

const ISO = /^(\d{4})-(\d\d)-(\d\d)(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d))?$/;

/**
 * An instant with its time zone, such as `2026-01-31T08:00:00Z`, or a day in UTC.
 *
 * @throws InvalidArgumentError
 */
export function instantValue(text: string): Date {
  const found = isoInstant(text);
  if (found !== undefined) return found;
  throw new InvalidArgumentError('Expected an instant such as 2026-01-31T08:00:00Z, or a day such as 2026-01-31.');
}

/**
 * An instant as above, or how long ago it was: `2h`.
 *
 * @throws InvalidArgumentError
 */
export function pastValue(text: string): Date {
  const found = isoInstant(text);
  if (found !== undefined) return found;
  try {
    return new Date(Date.now() - durationValue(text));
  } catch {
    throw new InvalidArgumentError('Expected an instant such as 2026-01-31T08:00:00Z, or how long ago it was: 2h.');
  }
}

function isoInstant(text: string): Date | undefined {
  const [, year, month, day] = ISO.exec(text) ?? [];
  const at = new Date(text);
  // A day that no month has would become one of the next month.
  const lastOfMonth = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return year !== undefined && Number(day) <= lastOfMonth && !Number.isNaN(at.getTime()) ? at : undefined;
}
