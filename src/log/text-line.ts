/**
 * Formats a log line for people: time, level, part, message, then the fields as `key=value`. The stack of an error follows on
 * lines of its own, indented.
 *
 * Invariants:
 * - It never throws.
 * - No control character of a message or a field reaches the terminal.
 */
import process from 'node:process';
import { inspect } from 'node:util';
import { isError } from '../errors.js';
import { loggedErrorWithStack } from './log-fields.js';
import type { LogLevel } from './logger-interface.js';

type Paint = (text: string) => string;

const paint =
  (code: number): Paint =>
  (text) =>
    `\u001b[${code}m${text}\u001b[0m`;
const plain: Paint = (text) => text;

const DIM = paint(2);
const COLOR_OF: Readonly<Record<LogLevel, Paint>> = {
  debug: paint(36),
  info: paint(32),
  warn: paint(33),
  error: paint(31),
};

export function textLine(time: string, level: LogLevel, message: string, fields: object): string {
  const colored = usesColors(level === 'debug' || level === 'info' ? process.stdout : process.stderr);
  const dim = colored ? DIM : plain;
  const { part, stack, shown } = readFields(fields);
  const head = [dim(time), (colored ? COLOR_OF[level] : plain)(level.toUpperCase().padEnd(5))];
  if (part !== undefined) head.push(`[${escaped(part)}]`);
  const values = shown.map(([key, value]) => ` ${dim(`${escaped(key)}=`)}${value}`).join('');
  const trace = stack === undefined ? [] : stack.split('\n').map((line) => `\n    ${dim(escaped(line.trim()))}`);
  return `${head.join(' ')} ${escaped(message)}${values}${trace.join('')}`;
}

/** `FORCE_COLOR` decides first, then `NO_COLOR`, then whether the stream is a terminal with colors. */
function usesColors(stream: Partial<NodeJS.WriteStream>): boolean {
  const { FORCE_COLOR: force, NO_COLOR: no } = process.env;
  if (force !== undefined) return force !== '0' && force !== 'false';
  if (no !== undefined && no !== '') return false;
  return stream.isTTY === true && stream.hasColors?.() !== false;
}

interface Shown {
  readonly part: string | undefined;
  readonly stack: string | undefined;
  readonly shown: readonly (readonly [string, string])[];
}

function readFields(fields: object): Shown {
  let part: string | undefined;
  let stack: string | undefined;
  const shown: (readonly [string, string])[] = [];
  try {
    for (const [key, value] of Object.entries(fields)) {
      if (value === undefined) continue;
      if (key === 'part' && typeof value === 'string') part = value;
      else if (key === 'error' && typeof value === 'object' && value !== null) {
        const error = isError(value) ? loggedErrorWithStack(value) : (value as ReturnType<typeof loggedErrorWithStack>);
        stack = typeof error.stack === 'string' ? error.stack : undefined;
        shown.push([key, escaped(JSON.stringify(`${error.name}: ${error.message}`))]);
        if (error.code !== undefined) shown.push(['code', escaped(error.code)]);
      } else shown.push([key, shownValue(value)]);
    }
  } catch {
    // a trap or a getter threw: the fields read so far are shown
  }
  return { part, stack, shown };
}

function shownValue(value: unknown): string {
  if (typeof value === 'string') return /^[\w@.:/+-]+$/.test(value) ? value : escaped(JSON.stringify(value));
  if (typeof value === 'number') return String(Number.isInteger(value) ? value : Math.round(value * 1_000) / 1_000);
  if (typeof value !== 'object' || value === null) return escaped(String(value));
  return escaped(inspect(value, { depth: 4, breakLength: Infinity, compact: true }));
}

function escaped(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    if (character === '\n') return '\\n';
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}
