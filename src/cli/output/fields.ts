/** Writes one record as lines of a name and a value. */
import type { Io } from '../io.js';
import { neutral } from './neutral.js';
import { cut, padded, widthOf } from './width.js';

/** A name and its value. A value of several lines stands below its name, indented. */
export type Fields = Readonly<Record<string, string>>;

export async function writeFields({ stdout, paint }: Pick<Io, 'stdout' | 'paint'>, fields: Fields): Promise<void> {
  const width = Math.max(...Object.keys(fields).map(widthOf)) + 2;
  for (const [name, value] of Object.entries(fields)) {
    const lines = value.split('\n').map(neutral);
    const [first = '', ...more] = lines;
    const label = padded(`${name}:`, width, 'left');
    const text = more.length === 0 ? label + first : [`${name}:`, ...lines.map((line) => `  ${line}`)].join('\n');
    const shown = text
      .split('\n')
      .map((line) => (more.length === 0 ? cut(line, stdout.columns) : line))
      .join('\n');
    await stdout.line(shown.replace(`${name}:`, (found) => paint('bold', found)));
  }
}
