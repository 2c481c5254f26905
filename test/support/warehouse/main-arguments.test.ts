/** What the arguments of `npm run warehouse` turn on. */
import { expect, test } from 'vitest';
import { REAL_LATENCY } from './latency.js';
import { readArguments, USAGE } from './main-arguments.js';

test('without arguments nothing is turned on', () => {
  expect(readArguments([])).toEqual({ port: 0 });
  expect(readArguments(['--late-reads', '0', '--insert-lock', '0'])).toEqual({ port: 0 });
});

test('each argument turns on one thing', () => {
  const args = ['--real', '--late-reads', '2000', '--insert-lock', '50', '--old-sources', '--port', '1234'];
  expect(readArguments(args)).toEqual({
    port: 1234,
    latency: REAL_LATENCY,
    lateReads: { mostMs: 2_000 },
    locks: { insertMs: 50 },
    oldSources: true,
  });
  for (const option of args.filter((arg) => arg.startsWith('--'))) expect(USAGE).toContain(option);
  expect(readArguments(['--help'])).toBeUndefined();
});

test.each([
  { args: ['--late-reads', '-1'], message: /--late-reads/ },
  { args: ['--late-reads', '2s'], message: "--late-reads: expected a number from 0 to 3600000, got '2s'" },
  { args: ['--insert-lock', '3600001'], message: "--insert-lock: expected a number from 0 to 3600000, got '3600001'" },
  { args: ['--port', '65536'], message: "--port: expected a number from 0 to 65535, got '65536'" },
  { args: ['--port', ''], message: "--port: expected a number from 0 to 65535, got ''" },
  { args: ['--late'], message: /--late/ },
  { args: ['more'], message: /more/ },
])('$args are refused', ({ args, message }) => {
  expect(() => readArguments(args)).toThrow(message);
});
