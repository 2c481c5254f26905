/**
 * The default log: lines on stderr for the namespaces that `DEBUG` names, such as `DEBUG=fleet-q:*`.
 *
 * The patterns and namespaces are those of the package `debug`. Its core is imported, not its entry for Node.js: that one
 * calls `require('tty')`, which no bundler can put into an ES module.
 *
 * Invariants:
 * - A line is built only if its namespace is enabled.
 */
import process from 'node:process';
import { format, inspect } from 'node:util';
import core from 'debug/src/common.js';
import { isoTime, systemRuntime } from '../runtime/runtime.js';

/** A function that writes a line if its namespace is enabled. */
export interface Debugger {
  (format: string, ...values: readonly unknown[]): void;
  readonly enabled: boolean;
}

/** The properties that the core sets for the line that it writes. */
interface Line {
  readonly namespace: string;
  readonly useColors: boolean;
  readonly color: number;
  /** Since the last line of the namespace, in ms. */
  readonly diff: number;
}

const instance = core({
  load: () => process.env['DEBUG'] ?? '', // without a text, `enabled` would be undefined
  save: () => undefined,
  useColors: () => process.stderr.isTTY,
  colors: [6, 2, 3, 4, 5, 1],
  /** The format of the package's own lines: with colors on a terminal, otherwise with the time in front. */
  formatArgs(this: Line, args: unknown[]): void {
    const [text, ...values] = args;
    const { namespace, color, diff } = this;
    const line = this.useColors
      ? `  \u001b[3${color};1m${namespace} \u001b[0m${String(text)} \u001b[3${color}m+${diff}ms\u001b[0m`
      : `${isoTime(systemRuntime.wallMs())} ${namespace} ${String(text)}`;
    args.splice(0, args.length, line, ...values);
  },
  log: (...args: unknown[]) => process.stderr.write(`${format(...args)}\n`),
});
instance.formatters['o'] = function (this: Line, value: unknown): string {
  const text = inspect(value, { colors: this.useColors });
  return text
    .split('\n')
    .map((part) => part.trim())
    .join(' ');
};

export const createDebug: (namespace: string) => Debugger = instance;

/** Enables namespaces at run time, as `DEBUG` does at start. */
export const enable = (namespaces: string): void => instance.enable(namespaces);
export const disable = (): string => instance.disable();
