/** Writes records, page by page, in the format of the flag `-o`. */
import { Option } from 'commander';
import type { Io } from '../io.js';
import { compact } from './json.js';
import { neutral } from './neutral.js';
import { Table, type Cell, type Column } from './table.js';

export type Format = 'table' | 'json' | 'jsonl' | 'ids';

/** The flag `-o`. */
export function formatOption(formats: readonly Format[] = ['table', 'json', 'jsonl', 'ids']): Option {
  return new Option('-o, --output <format>', 'How to print.').choices(formats).default(formats[0]);
}

/** How records of a kind are shown. */
export interface View<T> {
  readonly columns: readonly Column[];
  readonly row: (record: T) => readonly Cell[];
  readonly json: (record: T) => object;
  readonly id: (record: T) => string;
}

/** What `json` encloses the records in: the text before the first, and after the last. */
export interface Envelope {
  readonly open: string;
  readonly close: string;
}

export interface Records<T> {
  write(records: readonly T[]): Promise<void>;
  /** Ends the output; `json` is one value then. @param close replaces the envelope's own end */
  end(close?: string): Promise<void>;
}

export function recordsOf<T>(
  io: Io,
  format: Format,
  view: View<T>,
  envelope: Envelope = { open: '[', close: ']' },
): Records<T> {
  return WRITERS[format](io, view as View<unknown>, envelope);
}

type Writer = (io: Io, view: View<unknown>, envelope: Envelope) => Records<unknown>;

const lines = (io: Io, line: (record: unknown) => string): Records<unknown> => ({
  write: (records) => io.stdout.write(records.map((record) => `${line(record)}\n`).join('')),
  end: async () => undefined,
});

const WRITERS: Readonly<Record<Format, Writer>> = {
  table(io, { columns, row }) {
    const table = new Table(io.stdout, io.paint, columns);
    return { write: (records) => table.write(records.map(row)), end: async () => undefined };
  },
  jsonl: (io, { json }) => lines(io, (record) => compact(json(record))),
  ids: (io, { id }) => lines(io, (record) => neutral(id(record))),
  json(io, { json }, { open, close }) {
    let before = `${open}\n`;
    return {
      async write(records) {
        for (const record of records) {
          await io.stdout.write(`${before}${compact(json(record))}`);
          before = ',\n';
        }
      },
      end: (end = close) => io.stdout.write(before === ',\n' ? `\n${end}\n` : `${open}${end}\n`),
    };
  },
};
