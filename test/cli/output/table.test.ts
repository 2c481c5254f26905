/** Tables: they fit a terminal, stream, and show nothing that a terminal obeys. */
import { describe, expect, test } from 'vitest';
import { plain } from '../../../src/cli/output/colours.js';
import { neutral, neutralJson } from '../../../src/cli/output/neutral.js';
import { Table, type Column } from '../../../src/cli/output/table.js';
import { cut, widthOf } from '../../../src/cli/output/width.js';

const COLUMNS: readonly Column[] = [
  { title: 'ID' },
  { title: 'NAME', shrinksTo: 6 },
  { title: 'COUNT', align: 'right', dropped: 1 },
  { title: 'NOTE', shrinksTo: 6 },
];

async function printed(columns: number, ...pages: readonly (readonly string[])[][]): Promise<readonly string[]> {
  let text = '';
  const output = { columns, write: async (more: string) => void (text += more) };
  const table = new Table(output, plain, COLUMNS);
  for (const page of pages) await table.write(page);
  return text.split('\n').slice(0, -1);
}

const ROW = ['id-1', 'a rather long name', '12', 'a note that is even longer than the name'];

test('where there is no terminal, nothing is cut', async () => {
  expect(await printed(Infinity, [ROW])).toEqual([
    'ID    NAME                COUNT  NOTE',
    'id-1  a rather long name     12  a note that is even longer than the name',
  ]);
});

test.each([80, 60, 40, 30, 24, 10, 1])('no line is wider than %i columns', async (columns) => {
  const lines = await printed(columns, [ROW, ['id-2', '日本語の名前です', '3', '👩‍👩‍👧‍👦 and more of it']], [ROW]);
  expect(lines).toHaveLength(4);
  expect(lines.filter((line) => widthOf(line) > columns)).toEqual([]);
});

test('the widest column shrinks first; then the least important one is left out', async () => {
  expect(await printed(40, [ROW])).toEqual([
    ...['ID    NAME          COUNT  NOTE', 'id-1  a rather lo…     12  a note that …'],
  ]);
  expect(await printed(22, [ROW])).toEqual(['ID    NAME     NOTE', 'id-1  a rath…  a note…']);
});

test('the first page decides the widths, and later pages have no titles', async () => {
  const lines = await printed(Infinity, [['1', 'ab', '1', 'x']], [['2', 'longer than before', '2', 'y']]);
  expect(lines).toEqual(['ID  NAME  COUNT  NOTE', '1   ab        1  x', '2   longer than before      2  y']);
});

test('an empty page writes the titles', async () => {
  expect(await printed(Infinity, [])).toEqual(['ID  NAME  COUNT  NOTE']);
});

describe('text', () => {
  test('a wide character is cut as a whole', () => {
    expect(cut('日本語', 6)).toBe('日本語');
    expect(cut('日本語', 5)).toBe('日本…');
    expect(cut('日本語', 4)).toBe('日…');
    expect(cut('abc', 0)).toBe('');
  });

  test('what a terminal obeys is shown as an escape', () => {
    expect(neutral('a\x1b[31mb\x9bc\x07\r\n\td\u202ee\u2028f\ud800')).toBe(
      String.raw`a\u001b[31mb\u009bc\u0007\r\n\td\u202ee\u2028f\ud800`,
    );
    expect(neutral('日本語 👩‍👧 é ok')).toBe('日本語 👩‍👧 é ok');
  });

  test('in JSON the escapes stand for the same value', () => {
    const value = { text: 'a\x1b\x7f\x9b\u202e\u2028"\\' };
    const json = neutralJson(JSON.stringify(value, undefined, 2));
    expect(json).not.toMatch(/[^\P{Cc}\n]|\u202e|\u2028/u);
    expect(JSON.parse(json)).toEqual(value);
  });
});
