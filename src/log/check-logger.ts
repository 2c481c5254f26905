/**
 * Checks and adapts the host's logger, whose methods must take `(fields, message)`, in this order.
 *
 * Invariants:
 * - A logger that would lose the message is refused when it is passed, and the error says how to adapt it.
 *
 * Types cannot distinguish these loggers, because winston's methods accept anything. The common loggers that take the message
 * first are recognized by their other members.
 */
import { show, ValidationError, type ErrorCode } from '../errors.js';
import { LEVELS, type Logger, type LogLevel } from './logger-interface.js';

/** A logger whose methods take the message first: winston, LogTape, and others. */
export type MessageFirstLogger = {
  readonly [L in LogLevel]: (message: string, fields: Record<string, unknown>) => unknown;
} & { readonly isLevelEnabled?: (level: string) => boolean };

/**
 * Adapts a logger whose methods take the message first and the fields second.
 *
 * @example new FleetQ({ logger: messageFirst(winston.createLogger(options)) })
 * @throws ValidationError `OPTION_INVALID` if one of `debug`, `info`, `warn` and `error` is missing
 */
export function messageFirst(logger: MessageFirstLogger): Logger {
  checkMethods(logger, 'logger', 'OPTION_INVALID');
  const write = (level: LogLevel) => (fields: object, message: string) => logger[level](message, { ...fields });
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    isLevelEnabled: (level) => logger.isLevelEnabled?.(level) ?? true,
  };
}

/** @throws ValidationError that says how to adapt the logger */
export function checkLogger(value: unknown, field: string, code: ErrorCode): void {
  checkMethods(value, field, code);
  const kind = MESSAGE_FIRST.find(({ has }) => has.every((key) => isSet(value, key)))?.name;
  if (kind === undefined) return;
  const hint = `pass messageFirst(logger), which fleet-q exports`;
  throw new ValidationError(
    code,
    field,
    `expected a logger that takes (fields, message); ${kind} takes the message first: ${hint}`,
  );
}

/** The members by which these loggers are recognized. */
const MESSAGE_FIRST: readonly { readonly name: string; readonly has: readonly string[] }[] = [
  { name: 'winston', has: ['transports', 'configure', 'format'] }, // a logger of it, a child, or the module itself
  { name: 'LogTape', has: ['category', 'getChild'] },
];

function checkMethods(value: unknown, field: string, code: ErrorCode): void {
  const isHolder = (typeof value === 'object' && value !== null) || typeof value === 'function';
  const missing = LEVELS.filter(
    (method) => !isHolder || typeof (value as Record<string, unknown>)[method] !== 'function',
  );
  if (missing.length === 0) return;
  const hint = 'adapt it: { debug: (fields, message) => …, info: …, warn: …, error: … }';
  throw new ValidationError(
    code,
    field,
    `expected a logger with debug, info, warn and error, got ${show(value)}; ${hint}`,
  );
}

function isSet(holder: unknown, key: string): boolean {
  return (holder as Record<string, unknown>)[key] !== undefined;
}
