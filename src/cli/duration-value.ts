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

/** Node.js lets a timer that is set for longer fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

/**
 * A duration as above that a timer of Node.js can wait.
 *
 * @throws InvalidArgumentError
 */
export function timerValue(text: string): number {
  const ms = durationValue(text);
  if (ms <= LONGEST_TIMER_MS) return ms;
  throw new InvalidArgumentError(`Expected at most ${LONGEST_TIMER_MS}ms, which is 24.8 days.`);
}
