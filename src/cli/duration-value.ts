/** Durations as flags take them. */
import { InvalidArgumentError } from 'commander';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const LONGEST_MS = 3_155_760_000_000;

/**
 * The duration in ms: `500ms`, `30s`, `5m`, `2h`, `7d`, or seconds without a unit.
 *
 * @throws InvalidArgumentError
 */
export function durationValue(text: string): number {
  const [, digits = '', unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim()) ?? [];
  const ms = digits === '' ? NaN : Number(digits) * (UNITS[unit] ?? NaN);
  if (ms >= 0 && ms <= LONGEST_MS) return ms;
  throw new InvalidArgumentError('Expected a duration such as 500ms, 30s, 5m, 2h or 7d.');
}
