/**
 * A logger on the console: a line of JSON, or of readable text, for each message.
 *
 * Invariants:
 * - A line of JSON is one line, whatever the message and the fields hold. It begins with `time`, `level` and `message`, and
 *   no field replaces them.
 * - No message is lost because of the values of its fields.
 * - Text has colors only on a terminal, unless `NO_COLOR` or `FORCE_COLOR` decides otherwise. Control characters are escaped.
 * - An output that fails, such as a closed pipe (`EPIPE`), never ends the process.
 */
import process from 'node:process';
import { inspect } from 'node:util';
import { isError } from '../errors.js';
import { isoTime, systemRuntime } from '../runtime/runtime.js';
import { errorField } from './log-fields.js';
import { LEVELS, type Logger, type LogLevel } from './logger-interface.js';
import { textLine } from './text-line.js';

/** The format of `consoleLogger`. */
export type LogFormat = 'json' | 'console';

/**
 * A logger on the console for each message at or above `level`. `debug` and `info` go to standard output, `warn` and `error`
 * to standard error.
 *
 * @param level default `info`
 * @param format `json`: one line of JSON for each message. `console`, the default: text for people.
 */
export function consoleLogger(level: LogLevel = 'info', format: LogFormat = 'console'): Logger {
  const least = LEVELS.indexOf(level);
  const lineOf = format === 'json' ? jsonLine : textLine;
  const write = (at: LogLevel) => (fields: object, message: string) => {
    if (LEVELS.indexOf(at) < least) return;
    surviveErrors();
    // One argument alone: `console` does not read it as a format.
    console[at](lineOf(isoTime(systemRuntime.wallMs()), at, message, fields));
  };
  const isLevelEnabled = (at: LogLevel): boolean => LEVELS.indexOf(at) >= least;
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'), isLevelEnabled };
}

const guarded = new WeakSet<object>();
const ignore = (): void => undefined;

/** `console` ignores most errors of its streams, but not those of several writes in one turn of the event loop. */
function surviveErrors(): void {
  for (const stream of [process.stdout, process.stderr]) {
    if (guarded.has(stream)) continue;
    guarded.add(stream);
    stream.on('error', ignore);
  }
}

const RESERVED = ['time', 'level', 'message'] as const;

function jsonLine(time: string, level: LogLevel, message: string, fields: object): string {
  const head = { time, level, message };
  try {
    return escaped(JSON.stringify({ ...head, ...renamed(fields) }, carried));
  } catch {
    return escaped(JSON.stringify({ ...head, ...shownEach(fields) }));
  }
}

/** A field under a reserved key gets another one: `level_`. */
function renamed(fields: object): object {
  if (!RESERVED.some((key) => key in fields)) return fields;
  const kept = Object.entries(fields).map(([key, value]): [string, unknown] => {
    return [(RESERVED as readonly string[]).includes(key) ? `${key}_` : key, value];
  });
  return Object.fromEntries(kept);
}

/** What JSON cannot carry, as JSON can. */
function carried(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return isError(value) ? errorField(value, value.stack) : value;
}

/** Each field on its own: what JSON cannot hold, such as a cycle, is shown as text. */
function shownEach(fields: object): object {
  try {
    const shown = Object.entries(renamed(fields)).map(([key, value]): [string, unknown] => {
      try {
        return [key, JSON.parse(JSON.stringify(value, carried) ?? 'null')];
      } catch {
        return [key, inspect(value)];
      }
    });
    return Object.fromEntries(shown);
  } catch {
    return {}; // a trap or a getter threw
  }
}

/** JSON leaves these characters as they are. Some readers end a line at them, and some terminals act on them. */
function escaped(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
