/**
 * Writes log lines: to stderr by namespace (`DEBUG=fleet-q:*`), or to the host's structured logger (the shape of pino).
 *
 * Invariants:
 * - No secret is logged, and no payload unless the option `logPayloads` is set.
 * - A logger that throws or rejects affects nothing else.
 * - No message is lost because of the values of its fields.
 */
import { types } from 'node:util';
import { createDebug, type Debugger } from './log/debug.js';
import type { LogFields } from './log/log-fields.js';
import type { Logger, LogLevel } from './log/logger-interface.js';

export { consoleLogger, type LogFormat } from './log/console-logger.js';
export { errorField, loggedError, loggedErrorWithStack, type LoggedError, type LogFields } from './log/log-fields.js';
export type { Logger, LogLevel } from './log/logger-interface.js';
export { messageFirst, type MessageFirstLogger } from './log/check-logger.js';

/** The logger of one part of the library. Frequent lines are built only if they are written. */
export interface Log extends Logger {
  /** Whether `debug` lines are written. */
  readonly verbose: boolean;
  /** Whether lines of this level are written. */
  writes(level: LogLevel): boolean;
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Log;
}

/** The log of a part: `createLog('pool', …)` writes in the namespace `fleet-q:pool`. */
export function createLog(part: string, logger?: Logger, fields: LogFields = {}): Log {
  return logger === undefined
    ? debugLog(createDebug(`fleet-q:${part}`), fields)
    : structuredLog(logger, { part, ...fields });
}

/** A logger's methods may return anything, whatever their types say: some are asynchronous. */
type Returning = Readonly<Record<LogLevel, (fields: object, message: string) => unknown>>;

function structuredLog(logger: Logger, base: object): Log {
  const write = (level: LogLevel) => (fields: object, message: string) => {
    if (!isWritten(logger, level)) return;
    try {
      const returned = (logger as Returning)[level]({ ...base, ...fields }, message);
      if (types.isPromise(returned)) returned.catch(() => undefined);
    } catch {
      // a broken logger of the host must not lose a step
    }
  };
  return {
    get verbose() {
      return isWritten(logger, 'debug');
    },
    writes: (level) => isWritten(logger, level),
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (fields) => structuredLog(logger, { ...base, ...fields }),
  };
}

/** Whether this logger writes lines of a level. pino reports it; other loggers are assumed to write them. */
function isWritten(logger: Logger, level: LogLevel): boolean {
  try {
    return logger.isLevelEnabled?.(level) ?? true;
  } catch {
    return level !== 'debug';
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
    writes: () => debug.enabled,
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (fields) => debugLog(debug, { ...base, ...fields }),
  };
}
