/** A trial of breaks, on a project of two sources and two test files. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../support/temp.js';
import type { Break } from './break.js';
import { summaryOf, textOf, unexplained, wronglyExplained } from './report.js';
import { trial, TrialError, type TrialParts } from './trial.js';

const FILES = {
  'package.json': '{ "type": "module" }',
  'tsconfig.build.json': '{ "compilerOptions": { "strict": true }, "files": ["least.ts", "sum.ts"] }',
  'vitest.config.ts': 'export default { test: { pool: "forks", include: ["*.test.ts"] } };',
  'least.ts': 'export const least = (a: number, b: number): number => (a <= b ? a : b);\n',
  'sum.ts': `export function sum(values: readonly number[]): number {
    let total = 0;
    for (let i = 0; i < values.length; i += 1) total += values[i] ?? 0;
    return total;
  }\n`,
  'least.test.ts': `
    import { expect, test } from 'vitest';
    import { least } from './least.js';
    test('the first may be less', () => expect(least(1, 2)).toBe(1));
    test('so may the second', () => expect(least(2, 1)).toBe(1));`,
  'sum.test.ts': `
    import { expect, test } from 'vitest';
    import { sum } from './sum.js';
    test('all values count', () => expect(sum([1, 2, 3])).toBe(6));`,
};

const SEEN: Break = {
  name: 'seen',
  file: 'least.ts',
  find: 'a <= b',
  replace: 'a >= b',
  tests: ['sum.test.ts', 'least.test.ts'],
};
const EQUIVALENT: Break = { ...SEEN, name: 'equivalent', replace: 'a < b', tests: ['least.test.ts'] };
const ENDLESS: Break = { name: 'endless', file: 'sum.ts', find: 'i += 1', replace: 'i += 0', tests: ['sum.test.ts'] };
const DEADLY: Break = {
  ...ENDLESS,
  name: 'deadly',
  find: 'let total = 0;',
  replace: 'let total = 0; (globalThis as any).process.kill((globalThis as any).process.ppid, "SIGKILL");',
};
const NOWHERE: Break = { ...SEEN, name: 'nowhere', find: 'a === b' };
const UNCHANGED: Break = { ...SEEN, name: 'unchanged', replace: SEEN.find };

function project(files: Readonly<Record<string, string>> = FILES): string {
  const folder = path.join(temporaryFolder(), 'tiny');
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), path.join(folder, 'node_modules'));
  return folder;
}

function parts(breaks: readonly Break[], folder = project()): TrialParts {
  const signal = new AbortController().signal;
  return { project: folder, breaks, jobs: 1, graceMs: 3_000, unbrokenMs: 60_000, signal, log: () => {} };
}

test(
  'reports which breaks are killed, by a failure or by time-out, and which survive',
  { timeout: 120_000 },
  async () => {
    const reason = 'of equal numbers either is the least';
    const folder = project();
    const outcomes = await trial(
      parts([SEEN, EQUIVALENT, ENDLESS, { ...SEEN, name: 'explained', replace: 'a > b', survives: reason }], folder),
    );
    expect(outcomes).toMatchObject([
      { killedBy: 'least.test.ts', byTimeOut: false, failure: expect.stringContaining('may') as string },
      { byTimeOut: false },
      { killedBy: 'sum.test.ts', byTimeOut: true },
      { killedBy: 'least.test.ts', byTimeOut: false },
    ]);
    expect(summaryOf(outcomes)).toEqual({ breaks: 4, killed: 3, survivors: [{ name: 'equivalent', reason: null }] });
    expect(unexplained(outcomes).map((outcome) => outcome.break.name)).toEqual(['equivalent']);
    expect(wronglyExplained(outcomes).map((outcome) => outcome.break.name)).toEqual(['explained']);
    expect(textOf(outcomes)).toContain('killed by time-out: endless');
    for (const [name, text] of Object.entries(FILES)) expect(readFileSync(path.join(folder, name), 'utf8')).toBe(text);
    expect(readdirSync(folder)).toHaveLength(Object.keys(FILES).length + 1);
  },
);

test(
  'a break that ends the test runner twice in a row is killed; the next one is tried',
  { timeout: 60_000 },
  async () => {
    expect(await trial(parts([DEADLY, { ...SEEN, tests: ['least.test.ts'] }]))).toMatchObject([
      {
        killedBy: 'sum.test.ts',
        byTimeOut: false,
        failure: expect.stringMatching(/ended by itself \(SIGKILL\)/) as string,
      },
      { killedBy: 'least.test.ts' },
    ]);
  },
);

test('tries no break if a test file fails without one', { timeout: 60_000 }, async () => {
  const folder = project({ ...FILES, 'least.ts': FILES['least.ts'].replace('<=', '>=') });
  const error: unknown = await trial(parts([ENDLESS, { ...EQUIVALENT, find: 'a >= b' }], folder)).catch(
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(TrialError);
  expect(String(error)).toMatch(/fail without any break:\nleast\.test\.ts/);
});

test('rejects a list with a break that changes no place, several places, or the same place as another', async () => {
  const often = { ...SEEN, name: 'often', find: 'a' };
  const namesake = { ...SEEN, replace: 'a > b' };
  const duplicate = { ...SEEN, name: 'duplicate', find: '(a <= b ?', replace: '(a >= b ?' };
  const error = await trial(parts([NOWHERE, UNCHANGED, often, SEEN, namesake, duplicate])).catch((e: unknown) => e);
  expect(String(error).split('\n').slice(1)).toEqual([
    'nowhere: "find" occurs 0 times in least.ts; it must occur exactly once',
    'unchanged: "replace" is the same text as "find"',
    expect.stringMatching(/^often: "find" occurs \d+ times/),
    'seen: another break has the same name',
    'duplicate: it changes the file in the same way as seen',
  ]);
});

test('rejects a list with a break that does not compile', async () => {
  const error = await trial(parts([SEEN, { ...SEEN, name: 'untyped', replace: 'a <= c' }])).catch((e: unknown) => e);
  expect(String(error).split('\n').slice(1)).toEqual([
    expect.stringMatching(/^untyped: least\.ts does not compile: Cannot find name 'c'/),
  ]);
});

test('ends at once and leaves no copy behind when it is interrupted', { timeout: 60_000 }, async () => {
  const [folder, temporary] = [project(), temporaryFolder()];
  vi.stubEnv('TMPDIR', temporary);
  const over = new AbortController();
  const started = trial({
    ...parts([SEEN], folder),
    signal: over.signal,
    log: () => over.abort(new Error('enough')),
  });
  await expect(started).rejects.toThrow('enough');
  expect(readdirSync(temporary)).toEqual([]);
});
