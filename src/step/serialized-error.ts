/**
 * Turns thrown values into plain data that is stored with a step, and back into errors.
 *
 * Invariants: nothing here throws, and the data is bounded, whatever was thrown.
 */
import { isA, show, type ErrorCode } from '../errors.js';
import { isReadableArray, readProperty } from '../input/safe-reads.js';
import { fieldsOf, restoreFields, type ErrorFields } from './error-fields.js';

/** An error as plain data. `cause` nests at most eight deep. */
export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string | number;
  readonly stack?: string;
  /** Other own fields of what was thrown, such as `status` or `details`, as far as JSON carries them: about 2 KB. */
  readonly fields?: ErrorFields;
  readonly cause?: SerializedError;
  /** Of an `AggregateError`: its first errors. */
  readonly errors?: readonly SerializedError[];
}

export const MAX_CAUSES = 8;
const MAX_AGGREGATED = 8;
/** The most errors that are recorded in all. Without this limit, aggregates of aggregates would grow without bounds. */
const MAX_ERRORS = 16;
/** Longer messages and stacks are cut, so that an error never makes a row too large. */
const MAX_TEXT = 8_192;

/**
 * Turns a thrown value into plain data. Cyclic causes end, and getters that throw are left out. A value that is no error
 * becomes a `NonError`; of a plain object, with its fields.
 */
export function serializeError(thrown: unknown): SerializedError {
  return serialize(thrown, 0, { left: MAX_ERRORS });
}

function serialize(thrown: unknown, depth: number, budget: { left: number }): SerializedError {
  budget.left--;
  const fields = typeof thrown === 'object' && thrown !== null ? fieldsOf(thrown) : undefined;
  const carried = fields === undefined ? {} : { fields };
  if (!isErrorLike(thrown)) {
    return {
      name: 'NonError',
      message: text(fields === undefined ? show(thrown) : JSON.stringify(fields)),
      ...carried,
    };
  }
  const code = readProperty(thrown, 'code');
  const stack = readProperty(thrown, 'stack');
  const cause = readProperty(thrown, 'cause');
  return {
    name: text(asString(readProperty(thrown, 'name'), 'Error')),
    message: text(asString(readProperty(thrown, 'message'), '')),
    ...(typeof code === 'string' || Number.isFinite(code) ? { code: code as string | number } : {}),
    ...(typeof stack === 'string' ? { stack: text(stack) } : {}),
    ...carried,
    ...(cause !== undefined && depth < MAX_CAUSES && budget.left > 0
      ? { cause: serialize(cause, depth + 1, budget) }
      : {}),
    ...(depth < MAX_CAUSES ? aggregated(thrown, depth, budget) : {}),
  };
}

function aggregated(thrown: object, depth: number, budget: { left: number }): { readonly errors?: SerializedError[] } {
  const given = readProperty(thrown, 'errors');
  if (!isReadableArray(given)) return {};
  const errors: SerializedError[] = [];
  for (let i = 0; i < MAX_AGGREGATED && i < Number(readProperty(given, 'length')) && budget.left > 0; i++) {
    errors.push(serialize(readProperty(given, String(i)), depth + 1, budget));
  }
  return { errors };
}

/** An error of this library. It has no stack, which would show nothing of the user's code. */
export function plainError(code: ErrorCode, message: string): SerializedError {
  return { name: 'FleetQError', message, code };
}

/** An `Error` with the recorded name, message, code, stack, fields and causes. */
export function deserializeError(recorded: SerializedError): Error {
  const options = recorded.cause === undefined ? undefined : { cause: deserializeError(recorded.cause) };
  const error = new Error(recorded.message, options);
  error.name = recorded.name;
  if (recorded.stack !== undefined) error.stack = recorded.stack;
  restoreFields(error, recorded.fields);
  return recorded.code === undefined ? error : Object.assign(error, { code: recorded.code });
}

function isErrorLike(thrown: unknown): thrown is object {
  if (typeof thrown !== 'object' || thrown === null) return false;
  return isA(thrown, Error) || typeof readProperty(thrown, 'message') === 'string';
}

function asString(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function text(value: string): string {
  return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT - 1)}…` : value;
}
