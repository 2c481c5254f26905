/**
 * Writes log lines: to stderr by namespace (`DEBUG=fleet-q:*`), or to the host's structured logger (the shape of pino).
 *
 * Invariants:
 * - No secret is logged, and no payload unless the option `logPayloads` is set.
 * - A logger that throws or rejects affects nothing else.
 * - No message is lost because of the values of its fields.
 */
import { inspect, types } from 'node:util';
import { isError } from './errors.js';
import { createDebug, type Debugger } from './log/debug.js';
import type { Logger, LogLevel } from './log/logger-interface.js';

export type { Logger, LogLevel } from './log/logger-interface.js';
export { messageFirst, type MessageFirstLogger } from './log/check-logger.js';

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** The logger of one part of the library. Frequent lines are built only if they are written. */
export interface Log extends Logger {
  /** Whether `debug` lines are written. */
  readonly verbose: boolean;
  /** A logger that adds these fields to every line. */
  with(fields: object): Log;
}

/** The log of a part: `createLog('pool', …)` writes in the namespace `fleet-q:pool`. */
export function createLog(part: string, logger?: Logger, fields: object = {}): Log {
  return logger === undefined
    ? debugLog(createDebug(`fleet-q:${part}`), fields)
    : structuredLog(logger, { part, ...fields });
}

/** A logger's methods may return anything, whatever their types say: some are asynchronous. */
type Returning = Readonly<Record<LogLevel, (fields: object, message: string) => unknown>>;

function structuredLog(logger: Logger, base: object): Log {
  const write = (level: LogLevel) => (fields: object, message: string) => {
    try {
      const returned = (logger as Returning)[level]({ ...base, ...fields }, message);
      if (types.isPromise(returned)) returned.catch(() => undefined);
    } catch {
      // a broken logger of the host must not lose a step
    }
  };
  return {
    get verbose() {
      return isVerbose(logger);
    },
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (fields) => structuredLog(logger, { ...base, ...fields }),
  };
}

/** Whether this logger writes `debug` lines. pino reports it; other loggers are assumed to write them. */
function isVerbose(logger: Logger): boolean {
  try {
    return logger.isLevelEnabled?.('debug') ?? true;
  } catch {
    return false;
  }
}

function debugLog(debug: Debugger, base: object): Log {
  const write = (level: LogLevel) => (fields: object, message: string) => {
    if (debug.enabled) debug('%s %s %o', level, message, { ...base, ...fields });
  };
  return {
    get verbose() {
      return debug.enabled;
    },
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (fields) => debugLog(debug, { ...base, ...fields }),
  };
}

/** A logger on the console: one line of JSON, or of readable text, for each message at or above `level`. */
export function consoleLogger(level: LogLevel = 'info', format: 'json' | 'console' = 'console'): Logger {
  const least = LEVELS.indexOf(level);
  const write = (at: LogLevel) => (fields: object, message: string) => {
    if (LEVELS.indexOf(at) < least) return;
    if (format === 'json') console[at](jsonLine(at, message, fields));
    else console[at](`${at.toUpperCase()} ${message.replaceAll('%', '%%')}`, fields); // console reads the message as a format
  };
  const isLevelEnabled = (at: LogLevel): boolean => LEVELS.indexOf(at) >= least;
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'), isLevelEnabled };
}

/** Fields that JSON cannot hold are shown as text. */
function jsonLine(level: LogLevel, message: string, fields: object): string {
  try {
    return JSON.stringify({ level, message, ...fields }, (_, value: unknown) => {
      if (isError(value)) return { name: value.name, message: value.message, stack: value.stack };
      return typeof value === 'bigint' ? String(value) : value;
    });
  } catch {
    return JSON.stringify({ level, message, fields: inspect(fields) });
  }
}
