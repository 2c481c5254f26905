/** The branches that seeds have taken, for people and for programs. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PROJECT } from '../command/bundle.js';
import { FOLDERS, LEFT_OUT, type Folder } from './folders.js';
import type { MeasuredBranch } from './measure.js';
import { reasonAt, reasonOfSource } from './reasons.js';

export interface Share {
  readonly branches: number;
  readonly taken: number;
  /** Of the branches, in percent; 100 if there are none. */
  readonly percent: number;
}

/** The last line of the output with `--json`. */
export type Summary = Share & { readonly folders: Readonly<Record<Folder, Share>> };

export function summaryOf(branches: readonly MeasuredBranch[]): Summary {
  const of = (folder: Folder): [Folder, Share] => [folder, shareOf(branches.filter((one) => one.folder === folder))];
  return { ...shareOf(branches), folders: Object.fromEntries(FOLDERS.map(of)) as Record<Folder, Share> };
}

function shareOf(branches: readonly MeasuredBranch[]): Share {
  const taken = branches.filter(({ isTaken }) => isTaken).length;
  const percent = branches.length === 0 ? 100 : Math.floor((1_000 * taken) / branches.length) / 10;
  return { branches: branches.length, taken, percent };
}

export function textOf(branches: readonly MeasuredBranch[]): string {
  const { folders, ...all } = summaryOf(branches);
  const line = (name: string, { taken, branches: most, percent }: Share): string =>
    `${name.padEnd(12)} ${percent.toFixed(1).padStart(5)} %  ${taken} of ${most} branches`;
  return [
    ...missing(branches),
    '',
    ...Object.entries(LEFT_OUT).map(([file, reason]) => `not counted: ${file} (${reason})`),
    ...FOLDERS.map((folder) => line(folder, folders[folder])),
    line('all', all),
  ].join('\n');
}

/** The branches that no seed has taken, by file; those of a file with a reason once. */
function missing(branches: readonly MeasuredBranch[]): string[] {
  const byFile = new Map<string, MeasuredBranch[]>();
  for (const one of branches) if (!one.isTaken) byFile.set(one.file, [...(byFile.get(one.file) ?? []), one]);
  return [...byFile]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([file, open]) => {
      const reason = reasonOfSource(file);
      const head = `${file}: ${open.length} not taken`;
      return reason === undefined ? [head, ...placesOf(file, open)] : [`${head}: ${reason}`];
    });
}

function placesOf(file: string, open: readonly MeasuredBranch[]): string[] {
  const lines = readFileSync(path.join(PROJECT, file), 'utf8').split('\n');
  return open
    .toSorted((a, b) => a.line - b.line || a.column - b.column)
    .map(({ line, column, kind }) => {
      const reason = reasonAt(file, lines[line - 1] ?? '');
      return `  ${file}:${line}:${column} ${kind}${reason === undefined ? '' : `: ${reason}`}`;
    });
}
