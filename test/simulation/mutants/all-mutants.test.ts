/** The lists of mutants match the present sources. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { stop, transform } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import { patched } from '../../mutants/patch.js';
import { PROJECT } from '../command/bundle.js';
import { ALL } from '../warehouse/comparison/all.js';
import { allMutants } from './all-mutants.js';

test('there are at least 25 of them, and each has a name of its own', () => {
  expect(allMutants.length).toBeGreaterThanOrEqual(25);
  expect(new Set(allMutants.map(({ name }) => name)).size).toBe(allMutants.length);
});

test('those of texts name a comparison that there is', () => {
  const named = allMutants.flatMap(({ compared }) => compared ?? []);
  expect(named).not.toEqual([]);
  expect(Object.keys(ALL.comparisons)).toEqual(expect.arrayContaining(named));
});

afterAll(() => stop());

test.each(allMutants)('$name', async (mutant) => {
  const text = readFileSync(path.join(PROJECT, mutant.file), 'utf8');
  const { code } = await transform(patched(text, mutant), { loader: 'ts' });
  expect(code).not.toBe((await transform(text, { loader: 'ts' })).code);
});
