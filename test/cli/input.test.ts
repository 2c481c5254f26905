/** Values of flags: durations, instants, and lines of standard input. */
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { durationValue, timerValue } from '../../src/cli/duration-value.js';
import { instantValue, pastValue } from '../../src/cli/input/instant-value.js';
import { lineBatches, type Line } from '../../src/cli/input/lines.js';
import { age, duration } from '../../src/cli/output/duration.js';
import { isoInstant } from '../../src/http/answers/instant.js';

test.each([
  ['500ms', 500],
  ['30', 30_000],
  ['1.5s', 1_500],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['7d', 604_800_000],
])('the duration %s is %i ms', (text, ms) => {
  expect(durationValue(text)).toBe(ms);
});

test.each(['', 's', '-1s', '1w', '1 h', '1e3', '99999999999d'])('the duration %j is refused', (text) => {
  expect(() => durationValue(text)).toThrow('Expected a duration');
});

test('a duration that a timer waits is at most the longest of Node.js', () => {
  expect([timerValue('24d'), timerValue('2147483647ms')]).toEqual([2_073_600_000, 2 ** 31 - 1]);
  for (const text of ['2147483648ms', '25d', '30d'])
    expect(() => timerValue(text)).toThrow('Expected at most 2147483647ms, which is 24.8 days.');
  expect(() => timerValue('1w')).toThrow('Expected a duration');
});

test.each([
  ['2026-01-31T08:00:00Z', Date.UTC(2026, 0, 31, 8)],
  ['2026-01-31T08:00+01:00', Date.UTC(2026, 0, 31, 7)],
  ['2024-02-29', Date.UTC(2024, 1, 29)],
])('the instant %s is read', (text, at) => {
  expect(instantValue(text).getTime()).toBe(at);
});

test.each(['', 'soon', '2026-02-29', '2026-13-01', '2026-01-31T08:00', '2026-01-31 08:00Z', '1738310400', '31.1.2026'])(
  'the instant %j is refused',
  (text) => {
    expect(() => instantValue(text)).toThrow('Expected an instant');
  },
);

test('an instant of the past may be how long ago it was', () => {
  const before = Date.now();
  const at = pastValue('2h').getTime();
  expect(at).toBeGreaterThanOrEqual(before - 7_200_000);
  expect(at).toBeLessThanOrEqual(Date.now() - 7_200_000);
});

test('durations are printed in at most two units', () => {
  expect([0, 450, 1_000, 61_000, 3_600_000, 5_000_000, 90_000_000, 864_000_000 * 2].map(duration)).toEqual([
    ...['0ms', '450ms', '1s', '1m1s', '1h', '1h23m', '1d1h', '20d'],
  ]);
  expect([age(0, 65_000), age(65_000, 0), age(500, 0)]).toEqual(['1m5s', 'in 1m5s', '0ms']);
  expect([isoInstant(0), isoInstant(1e300), isoInstant(NaN)]).toEqual([
    ...['1970-01-01T00:00:00.000Z', '+275760-09-13T00:00:00.000Z', '1970-01-01T00:00:00.000Z'],
  ]);
});

describe('lines', () => {
  async function read(chunks: readonly (string | Buffer)[], longest = 100): Promise<(readonly Line[])[]> {
    const batches: (readonly Line[])[] = [];
    for await (const batch of lineBatches(Readable.from(chunks, { objectMode: false }), longest)) batches.push(batch);
    return batches;
  }

  test('are trimmed and numbered, and blank ones are left out', async () => {
    const batches = await read(['a\r\n\n  b ', 'c\n', 'd']);
    expect(batches.flat()).toEqual([
      ...[
        { text: 'a', number: 1 },
        { text: 'b c', number: 3 },
        { text: 'd', number: 4 },
      ],
    ]);
  });

  test('a character that two chunks share stays whole', async () => {
    const bytes = Buffer.from('日本\n');
    expect((await read([bytes.subarray(0, 4), bytes.subarray(4)])).flat()).toEqual([{ text: '日本', number: 1 }]);
  });

  test('come in batches of at most 100', async () => {
    const batches = await read(['x\n'.repeat(250)]);
    expect(batches.map((batch) => batch.length)).toEqual([100, 100, 50]);
  });

  test('a line that is too long is refused, also before its end has come', async () => {
    await expect(read(['a\n', 'b'.repeat(60), 'b'.repeat(60)])).rejects.toThrow(
      /line 2: expected at most 100 characters/,
    );
  });
});
