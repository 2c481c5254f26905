/** The reasons why some branches are not taken are about sources that there are. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROJECT } from '../command/bundle.js';
import type { MeasuredBranch } from './measure.js';
import { BEGINNINGS, PLACES, reasonAt, reasonOfSource } from './reasons.js';
import { textOf } from './report.js';

const linesOf = (file: string): string[] => readFileSync(path.join(PROJECT, file), 'utf8').split('\n');

describe('reasons', () => {
  it.each(PLACES)('$file has a line with "$quote"', ({ file, quote, reason }) => {
    const lines = linesOf(file).filter((line) => line.includes(quote));
    expect(lines).not.toEqual([]);
    for (const line of lines) expect(reasonAt(file, line)).toBe(reason);
    expect(reasonOfSource(file)).toBeUndefined();
  });

  it('are about sources that there are', () => {
    const names = readdirSync(path.join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' });
    const sources = names.map((name) => `src/${name.split(path.sep).join('/')}`);
    for (const beginning of BEGINNINGS)
      expect(
        sources.some((file) => file.startsWith(beginning)),
        beginning,
      ).toBe(true);
  });

  it('are of a place alone', () => {
    const [{ file, quote, reason }] = PLACES as [(typeof PLACES)[number]];
    expect(reasonAt(file, `  const some = ${quote};`)).toBe(reason);
    expect(reasonAt(file, 'another line')).toBeUndefined();
    expect(reasonAt('src/client/waiter.ts', quote)).toBeUndefined();
  });

  it('stand beside the branches of their lines', () => {
    const { file, quote, reason } = PLACES[0]!;
    const line = linesOf(file).findIndex((text) => text.includes(quote)) + 1;
    const open: MeasuredBranch = { folder: 'src/client', file, line, column: 3, kind: 'right operand', isTaken: false };
    const text = textOf([open, { ...open, line: 1, column: 1 }, { ...open, isTaken: true }]);
    expect(text.split('\n').slice(0, 3)).toEqual([
      `${file}: 2 not taken`,
      `  ${file}:1:1 right operand`,
      `  ${file}:${line}:3 right operand: ${reason}`,
    ]);
  });
});
