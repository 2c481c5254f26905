/** The arithmetic of the figures. It measures nothing. */

/** An X-Small warehouse. */
const CREDITS_PER_HOUR = 1;
const SECONDS_PER_HOUR = 3_600;

/** The least value that this share of the values does not exceed. Of no values, it is infinite: what never came took for ever. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Infinity;
}

export function perThousand(statements: number, steps: number): number {
  return (statements * 1_000) / steps;
}

export function perHour(count: number, seconds: number): number {
  return (count * SECONDS_PER_HOUR) / seconds;
}

/** The share of the time that is billed. A minute that is billed for a shorter run can reach beyond the end: that is no more than all. */
export function shareOfTime(billedSeconds: number, seconds: number): number {
  return Math.min(1, billedSeconds / seconds);
}

/** What a million steps take at this speed, while the warehouse runs all the time. */
export function creditsPerMillion(seconds: number, steps: number): number {
  return (seconds * CREDITS_PER_HOUR * 1_000_000) / (steps * SECONDS_PER_HOUR);
}

export interface Ran {
  readonly steps: number;
  readonly stepSeconds: number;
  readonly slots: number;
  readonly seconds: number;
}

/** The share of what the slots could have run. */
export function shareOfCapacity({ steps, stepSeconds, slots, seconds }: Ran): number {
  return (steps * stepSeconds) / (slots * seconds);
}
