/** Breaks of parts of the stores that their own lists leave out. */
import type { Break } from '../break.js';

const SNOWFLAKE = 'src/store/snowflake';
const TESTS = 'test/store/snowflake';

export const storePartsBreaks: readonly Break[] = [
  {
    name: 'snowflake/secrets: a secret that is part of another leaves the rest of that',
    file: `${SNOWFLAKE}/session/secrets.ts`,
    find: '.sort((a, b) => b.length - a.length)',
    replace: '.sort((a, b) => a.length - b.length)',
    tests: [`${TESTS}/secrets.test.ts`],
  },
  {
    name: 'snowflake/secrets: a secret in a URL is shown',
    file: `${SNOWFLAKE}/session/secrets.ts`,
    find: 'for (const shape of [one, JSON.stringify(one).slice(1, -1), inUrl(one)]) this.#known.add(shape);',
    replace: 'for (const shape of [one, JSON.stringify(one).slice(1, -1)]) this.#known.add(inUrl(shape) && shape);',
    tests: [`${TESTS}/secrets.test.ts`],
  },
  {
    name: 'snowflake/secrets: an unknown field of a connection is harmless',
    file: `${SNOWFLAKE}/session/secrets.ts`,
    find: 'else if (HARMLESS.has(field)) this.#keep(passwordOf(value));',
    replace: 'else if (HARMLESS.has(field) || !/pass|token|key|secret/i.test(field)) this.#keep(passwordOf(value));',
    tests: [`${TESTS}/secrets.test.ts`],
  },
  {
    name: 'snowflake/meta: the types travel with each heartbeat',
    file: `${SNOWFLAKE}/pods/meta.ts`,
    find: 'return types !== undefined && types === registered',
    replace: 'return types === undefined && types === registered',
    tests: [`${TESTS}/pod-types.test.ts`, `${TESTS}/signs.test.ts`],
  },
  {
    name: 'snowflake/meta: a list of types that is too long is sent',
    file: `${SNOWFLAKE}/pods/meta.ts`,
    find: 'return JSON.stringify(fits ? meta : { ...rest, typesOmitted: true });',
    replace: 'return JSON.stringify(fits || rest !== undefined ? meta : {});',
    tests: [`${TESTS}/pod-types.test.ts`],
  },
  {
    name: 'snowflake/probing: columns of another type are accepted',
    file: `${SNOWFLAKE}/opening/probing.ts`,
    find: 'return kind === KINDS[word] ? [] :',
    replace: "return kind === KINDS[word] || kind !== '' ? [] :",
    tests: [`${TESTS}/opening.test.ts`],
  },
  {
    name: 'sqlite/repairs: a version beyond what JavaScript can count is taken as it is',
    file: 'src/store/sqlite/repairs/repairs.ts',
    find: 'return version >= 0 && version <= COUNTABLE.version;',
    replace: 'return version >= 0 && COUNTABLE.version > 0;',
    tests: ['test/store/sqlite/written-by-hand.test.ts'],
  },
  {
    name: 'sqlite/helper-connection: the helper reads the file that took the place of another',
    file: 'src/store/sqlite/helper-connection.ts',
    find: 'if (isSameFile(identity, await identify(path))) return;',
    replace: 'if (isSameFile(identity, identity)) return;',
    tests: ['test/store/sqlite/helper-connection.test.ts'],
  },
];
