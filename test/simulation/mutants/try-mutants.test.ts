/** The hunt, over a simulation of one rule: see programs/suspect-worker.ts. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { stopBundling } from '../command/bundle.js';
import type { Mutant } from './mutant.js';
import { lineOf, summaryOf, textOf } from './report.js';
import { tryMutants } from './try-mutants.js';

const ENTRY = fileURLToPath(new URL('programs/suspect-worker.ts', import.meta.url));
const FILE = 'src/step/crash-suspect.ts';
const FIND = 'return crashes >= SUSPECT_CRASHES';

function mutant(name: string, replace: string, find = FIND, file = FILE): Mutant {
  return { name, file, find, replace, world: 'sqlite', why: 'a test' };
}

const run = (mutants: readonly Mutant[], refused: readonly string[] = []) => {
  const { signal } = new AbortController();
  const given = {
    entry: ENTRY,
    comparison: ENTRY,
    mutants,
    seeds: 25,
    jobs: 2,
    signal,
    misfits: () => refused,
    onHunted: () => {},
  };
  return tryMutants(given).finally(stopBundling);
};

test('a mutant is caught by a rule that the sound code keeps, and never by a crash', { timeout: 120_000 }, async () => {
  const hunted = await run([
    mutant('caught', 'return crashes > SUSPECT_CRASHES'),
    mutant('harmless', 'return crashes + 1 > SUSPECT_CRASHES'),
    mutant('throws', "if (crashes === 2) throw new Error('broken');\n  return crashes >= SUSPECT_CRASHES"),
    mutant('ends its process', 'if (crashes === 2) process.exit(7);\n  return crashes >= SUSPECT_CRASHES'),
  ]);
  expect(
    hunted.map(({ caughtBy, seeds, broken }) => ({ rule: caughtBy?.rule, at: caughtBy?.seed, seeds, broken })),
  ).toEqual([
    { rule: 'suspects', at: 3, seeds: 3, broken: 0 },
    { rule: undefined, at: undefined, seeds: 25, broken: 0 },
    { rule: undefined, at: undefined, seeds: 25, broken: 23 },
    { rule: undefined, at: undefined, seeds: 25, broken: 23 },
  ]);
  expect(summaryOf(hunted)).toEqual({ mutants: 4, caught: 1, missed: 3 });
  expect(textOf(hunted)).toBe(
    [
      'mutant            where   seed  rule',
      'caught            sqlite  3     suspects',
      'harmless          sqlite  -     MISSED within 25 seeds',
      'throws            sqlite  -     MISSED within 25 seeds',
      'ends its process  sqlite  -     MISSED within 25 seeds',
      '4 mutants: 1 caught, 3 missed',
    ].join('\n'),
  );
  expect(hunted.map(lineOf)[2]).toMatch(
    /^MISSED: throws \(25 seeds, sqlite, [\d.]+ s\)\n {4}a test\n {4}the simulation itself failed with 23 seeds: seed 3: Error: broken/,
  );
});

test('a mutant that the compiler refuses is an error', async () => {
  const refused = run([mutant('of another type', "return 'yes' as number")], ['of another type: it does not compile']);
  await expect(refused).rejects.toThrow('The list of mutants has mistakes:\nof another type: it does not compile');
});

test.each([
  [mutant('gone', 'true', 'return crashes > 7'), /gone: "find" must occur exactly once/],
  [
    mutant('elsewhere', 'const MAX_REPEATS = 5;', 'const MAX_REPEATS = 4;', 'src/client/repeat-unanswered.ts'),
    /elsewhere: the simulation does not use src\/client/,
  ],
])('a mutant that no longer applies is an error: $name', { timeout: 60_000 }, async (one, message) => {
  await expect(run([one])).rejects.toThrow(message);
});
