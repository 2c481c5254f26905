/** How the time of a statement is modelled. */
import { expect, test } from 'vitest';
import { Latency, REAL_LATENCY } from './latency.js';

test('the emulator adds its own time to that of a statement', () => {
  const latency = new Latency(REAL_LATENCY);
  latency.emulated('select', 40);
  expect(latency.ofStatement('select')).toBe(60);
});

test('what the emulator usually takes is taken off, by kind, and never more than the statement takes', () => {
  const latency = new Latency({ ...REAL_LATENCY, scale: 2, absorbs: true });
  expect(latency.ofStatement('select')).toBe(120);
  latency.emulated('select', 40);
  expect(latency.ofStatement('select')).toBe(80);
  expect(latency.ofStatement('update')).toBe(600);
  latency.emulated('select', 140);
  expect(latency.ofStatement('select')).toBe(50);
  latency.emulated('select', 10_000);
  expect(latency.ofStatement('select')).toBe(0);
});
