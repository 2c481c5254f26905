/** The guarantees are covered: each sentence of the page has tests that hold it, and those tests exist. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { MATRIX } from './matrix.js';
import { promisesOf } from './promises.js';
import { titlesOf } from './titles.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(`${root}${file}`, 'utf8');

const promised = promisesOf(read('docs/guarantees.md'));
const rows = Object.entries(MATRIX).flatMap(([section, list]) => list.map((row) => ({ section, ...row })));
const quoted = rows.flatMap(({ section, says }) => says.map((text) => ({ section, text })));
const shown = ({ section, text }: { section: string; text: string }): string => `${section}: ${text}`;

describe('docs/guarantees.md', () => {
  test('promises nothing that the matrix does not have', () => {
    const known = new Set(quoted.map(shown));
    expect(promised.map(shown).filter((line) => !known.has(line))).toEqual([]);
  });

  test('says everything that the matrix quotes', () => {
    const known = new Set(promised.map(shown));
    expect(quoted.map(shown).filter((line) => !known.has(line))).toEqual([]);
  });
});

describe('the matrix', () => {
  test('has each sentence once', () => {
    const lines = quoted.map(shown);
    expect(lines.filter((line, at) => lines.indexOf(line) !== at)).toEqual([]);
  });

  test('has a test for each row, or a reason', () => {
    for (const { says, tests, because } of rows) {
      expect(tests.length > 0, says[0]).toBe(because === undefined);
      expect(because ?? 'a test', says[0]).toMatch(/\w{3}/);
    }
  });

  test('names only tests that exist', () => {
    const named = rows.flatMap(({ tests }) => tests);
    const titles = new Map([...new Set(named.map(([file]) => file))].map((file) => [file, titlesIn(file)]));
    const missing = named.flatMap(([file, ...wanted]) =>
      wanted.filter((title) => titles.get(file)?.has(title) !== true).map((title) => `${file}: ${title}`),
    );
    expect(missing).toEqual([]);
  });

  function titlesIn(file: string): ReadonlySet<string> {
    return existsSync(`${root}${file}`) ? titlesOf(file, read(file)) : new Set();
  }
});

describe('the titles of a file', () => {
  const of = (text: string): readonly string[] => [...titlesOf('a.test.ts', text)];

  test('begin with the titles of the suites around them', () => {
    expect(of(`describe('a', () => { describe('b', () => { it('c', () => {}); }); test('d', () => {}); });`)).toEqual([
      'a > b > c',
      'a > d',
    ]);
  });

  test('are found behind modifiers and tables', () => {
    expect(
      of(`test.skipIf(x)('a', f); test.each([1])('b %i', f); describe.each(t)('c', () => { it.only('d', f); });`),
    ).toEqual(['a', 'b %i', 'c > d']);
  });

  test('show what is computed as …', () => {
    expect(of('test(`a ${n} b`, f); describe(name, () => { test(title(), f); });')).toEqual(['a … b', '… > …']);
  });

  test('do not count calls of other functions, nor tests in a comment or a text', () => {
    expect(of(`check('a', f); // test('b', f)\nconst c = "test('d', f)"; object.test('e');`)).toEqual([]);
  });
});

describe('the promises of a page', () => {
  const page = (text: string): readonly string[] => promisesOf(text).map(shown);

  test('are sentences and items below the guarantees', () => {
    const text =
      '## What is guaranteed\n\n### A\n\nOne [two](x.md) _three_.\nFour `a.b` five. If so:\n\n- Six.\n- seven;\n\nTests: `test/a.ts`.';
    expect(page(text)).toEqual(['A: One two three.', 'A: Four `a.b` five.', 'A: If so:', 'A: Six.', 'A: seven;']);
  });

  test('are paragraphs and rows below the failures', () => {
    const text =
      '## What each failure does\n\n### A\n\n**It fails.** Then this. And that. Test:\n`test/a.ts`.\n\n| a | b | c |\n| - | - | - |\n| d | e | `test/a.ts` |';
    expect(page(text)).toEqual(['A: It fails: Then this. And that.', 'A: d | e']);
  });

  test('are none in other chapters', () => {
    expect(page('# T\n\nOne.\n\n## What is assumed\n\n### A\n\nTwo.')).toEqual([]);
  });
});
