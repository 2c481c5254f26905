/** The store's clock: moved, faster and slower than the machine's. */
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { Clock } from './clock.js';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';

const START = 1_000_000;

beforeEach(() => {
  vi.useFakeTimers({ now: START, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('is the clock of the machine, until it is moved', () => {
  const clock = new Clock();
  vi.setSystemTime(START + 5_000);
  expect([clock.nowMs, clock.aheadMs]).toEqual([START + 5_000, 0]);
  clock.pass(60_000);
  expect([clock.nowMs, clock.aheadMs]).toEqual([START + 65_000, 60_000]);
  clock.reset();
  expect([clock.nowMs, clock.aheadMs]).toEqual([START + 5_000, 0]);
});

test('runs so many times faster from the moment that its rate is set, and never jumps', () => {
  const clock = new Clock();
  vi.setSystemTime(START + 1_000);
  clock.rate = 10;
  expect([clock.nowMs, clock.rate]).toEqual([START + 1_000, 10]);
  vi.setSystemTime(START + 2_000);
  expect(clock.nowMs).toBe(START + 11_000);
  clock.pass(500);
  clock.rate = 0.5;
  expect(clock.nowMs).toBe(START + 11_500);
  vi.setSystemTime(START + 4_000);
  expect(clock.nowMs).toBe(START + 12_500);
  clock.rate = 1;
  vi.setSystemTime(START + 5_000);
  expect(clock.nowMs).toBe(START + 13_500);
});

test('a reset takes back what a rate has gained', () => {
  const clock = new Clock();
  clock.rate = 100;
  vi.setSystemTime(START + 1_000);
  clock.reset();
  expect([clock.rate, clock.aheadMs]).toEqual([1, 0]);
});

describeOnTestBed('the clock of the test bed', () => {
  const { bed, connect } = useTestBed();

  test('SYSDATE() and DATEADD count in its time', async () => {
    vi.useRealTimers();
    const driver = await connect();
    const { clock } = bed().proxy;
    onTestFinished(() => clock.reset());
    const ask = async () => ((await driver.run('SELECT SYSDATE() AS n'))[0]!['N'] as Date).getTime();
    const start = Date.now();
    expect(Math.abs((await ask()) - start)).toBeLessThan(60_000);
    clock.rate = 3_600;
    const before = await ask();
    await expect.poll(async () => (await ask()) - before, { timeout: 30_000 }).toBeGreaterThan(3_600_000);
  });
});
