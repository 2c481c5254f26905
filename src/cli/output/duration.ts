/** Durations and ages for people. */

const UNITS: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
];

/** A duration in at most two units: `2d4h`, `3m12s`, `450ms`. */
export function duration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  const at = UNITS.findIndex(([unit]) => whole >= unit);
  const [large, small] = [UNITS[at], UNITS[at + 1]];
  if (large === undefined) return `${whole}ms`;
  const count = Math.floor(whole / large[0]);
  const rest = small === undefined || count >= 10 ? 0 : Math.floor((whole % large[0]) / small[0]);
  return rest === 0 || small === undefined ? `${count}${large[1]}` : `${count}${large[1]}${rest}${small[1]}`;
}

/** How long ago an instant was, by this machine's clock; of a future instant, `in 5m`. */
export function age(at: number, now: number = Date.now()): string {
  return at > now + 1_000 ? `in ${duration(at - now)}` : duration(now - at);
}
