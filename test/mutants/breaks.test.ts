/** The lists of breaks fit the sources of today. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { allBreaks } from './breaks.js';
import { faultsOf } from './faults.js';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

test('every break has a name of its own, changes one place of a file, and names tests that exist', () => {
  expect(faultsOf(PROJECT, allBreaks)).toEqual([]);
});
