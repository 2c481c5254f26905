/** The shape of a logger. */

/**
 * A structured logger. pino, bunyan and `console` have this shape, and so has `consoleLogger`; for those that take
 * the message first (winston, LogTape) there is `messageFirst`.
 */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Whether lines of this level go anywhere; pino has this method. Without it, all lines are written. */
  isLevelEnabled?(level: LogLevel): boolean;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
