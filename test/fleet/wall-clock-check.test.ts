/** When this pod reports that its wall clock differs from the store's. */
import { expect, it } from 'vitest';
import { WallClockCheck } from '../../src/fleet/wall-clock-check.js';
import { createLog } from '../../src/log.js';

const HOUR = 3_600_000;

function checked() {
  const lines: string[] = [];
  const line = (level: string) => (fields: object) =>
    void lines.push(`${level} ${String((fields as { readonly wallAheadMs: number }).wallAheadMs)}`);
  const log = createLog('fleet', {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
  });
  return { check: new WallClockCheck(log), lines };
}

it('ignores a difference of a second, in either direction', () => {
  const { check, lines } = checked();
  for (const wallAheadMs of [0, 1_000, -1_000]) {
    check.update(wallAheadMs);
    expect(check.aheadMs).toBe(0);
  }
  expect(lines).toEqual([]);
});

it('logs a difference once when it begins, and once when it ends', () => {
  const { check, lines } = checked();
  for (const wallAheadMs of [-HOUR, -HOUR + 20, HOUR, 300, 20]) check.update(wallAheadMs);
  expect(lines).toEqual([`warn ${-HOUR}`, 'info 300']);
  check.update(HOUR);
  expect(check.aheadMs).toBe(HOUR);
});
