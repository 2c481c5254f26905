/** Writes one record as lines of a name and a value. */
import type { Io } from '../io.js';
import { neutral } from './neutral.js';
import { cut, padded, widthOf } from './width.js';

/** Names and values. A value of several lines stands below its name, indented. */
export type Fields = Readonly<Record<string, string>>;

export async function writeFields(io: Pick<Io, 'stdout' | 'paint'>, fields: Fields): Promise<void> {
  const width = Math.max(...Object.keys(fields).map(widthOf)) + 3;
  for (const [name, value] of Object.entries(fields)) {
    const label = `${name}:`;
    const [first = '', ...more] = value.split('\n').map(neutral);
    if (more.length === 0) {
      const shown = cut(first, io.stdout.columns - width);
      await io.stdout.line(io.paint('bold', label) + padded('', width - widthOf(label), 'left') + shown);
    } else {
      await io.stdout.line(io.paint('bold', label));
      for (const line of [first, ...more]) await io.stdout.line(`  ${line}`);
    }
  }
}
