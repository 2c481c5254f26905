/** The lists of breaks match the current sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { allBreaks } from './breaks.js';
import { misfits } from './compiling.js';
import { faultsOf } from './faults.js';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** Modules that state invariants and have no break, with the reason. */
const WITHOUT: Readonly<Record<string, string>> = {
  'src/store/snowflake/statements.ts': 'its invariants hold for the texts of its parts, which have breaks of their own',
  'src/store/snowflake/store.ts': 'it puts the parts together; each of them has breaks of its own',
};

/** Every module of these folders that states invariants at its head. */
function stating(...folders: readonly string[]): string[] {
  const modules = folders.flatMap((folder) =>
    readdirSync(`${PROJECT}src/${folder}`, { recursive: true, encoding: 'utf8' }).map(
      (file) => `src/${folder}/${file}`,
    ),
  );
  return modules.filter((file) => {
    if (!file.endsWith('.ts')) return false;
    const [head = ''] = /^\/\*\*.*?\*\//s.exec(readFileSync(PROJECT + file, 'utf8')) ?? [];
    return /\b(Invariants?|Law):/.test(head);
  });
}

test('every break has a unique name, changes one place of a file, and names tests that exist', () => {
  expect(faultsOf(PROJECT, allBreaks)).toEqual([]);
});

// If one does not compile, no break of the list can be tried. An idle machine takes about 10 ms for each.
test('every broken file compiles', { timeout: 60_000 + 250 * allBreaks.length }, () => {
  expect(misfits(PROJECT, allBreaks)).toEqual([]);
});

test('every module that states invariants has a break, or a reason to have none', () => {
  const modules = stating('client', 'pool', 'fleet', 'step', 'store');
  expect(modules.length).toBeGreaterThan(80);
  const broken = new Set(allBreaks.map(({ file }) => file));
  expect(modules.filter((file) => !broken.has(file)).toSorted()).toEqual(Object.keys(WITHOUT).toSorted());
});
