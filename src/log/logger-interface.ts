/** The shape of a logger. */

/**
 * A structured logger. pino, bunyan, `console` and `consoleLogger` have this shape. For loggers that take the message first
 * (winston, LogTape), use `messageFirst`.
 */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Whether lines of this level are written. pino has this method. Without it, every line is passed on. */
  isLevelEnabled?(level: LogLevel): boolean;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** The levels, the least important first. */
export const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
