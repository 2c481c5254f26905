/** Errors as they are recorded beside a step: what was thrown, made into plain data that any process can read. */
import { show, type ErrorCode } from '../errors.js';

/** An error as plain data. `cause` nests at most {@link MAX_CAUSES} deep. */
export interface SerializedError {
  readonly name: string;
  readonly message: string;
  readonly code?: string | number;
  readonly stack?: string;
  readonly cause?: SerializedError;
  /** Of an `AggregateError`: its first errors. */
  readonly errors?: readonly SerializedError[];
}

export const MAX_CAUSES = 8;
const MAX_AGGREGATED = 8;
/** Longer messages and stacks are cut: an error must never be what makes a row too large. */
const MAX_TEXT = 8_192;

/**
 * Makes what was thrown into plain data. It never throws: cyclic causes end, getters that throw are passed over, and a
 * thrown non-Error is shown as `NonError`.
 */
export function serializeError(thrown: unknown, depth = 0): SerializedError {
  if (!isErrorLike(thrown)) return { name: 'NonError', message: text(show(thrown)) };
  const cause = read(thrown, 'cause');
  const code = read(thrown, 'code');
  const stack = read(thrown, 'stack');
  const errors = read(thrown, 'errors');
  const deeper = depth < MAX_CAUSES;
  return {
    name: text(asString(read(thrown, 'name'), 'Error')),
    message: text(asString(read(thrown, 'message'), '')),
    ...(typeof code === 'string' || Number.isFinite(code) ? { code: code as string | number } : {}),
    ...(typeof stack === 'string' ? { stack: text(stack) } : {}),
    ...(cause !== undefined && deeper ? { cause: serializeError(cause, depth + 1) } : {}),
    ...(Array.isArray(errors) && deeper
      ? { errors: errors.slice(0, MAX_AGGREGATED).map((each) => serializeError(each, depth + 1)) }
      : {}),
  };
}

/** An error of ours, recorded where no code of the user threw: a stack would show only the library. */
export function plainError(code: ErrorCode, message: string): SerializedError {
  return { name: 'FleetQError', message, code };
}

/** A recorded error as an `Error` again: same name, message, code, stack and causes. */
export function deserializeError(recorded: SerializedError): Error {
  const options = recorded.cause === undefined ? undefined : { cause: deserializeError(recorded.cause) };
  const error = new Error(recorded.message, options);
  error.name = recorded.name;
  if (recorded.stack !== undefined) error.stack = recorded.stack;
  return recorded.code === undefined ? error : Object.assign(error, { code: recorded.code });
}

function isErrorLike(thrown: unknown): thrown is object {
  return (
    thrown instanceof Error ||
    (typeof thrown === 'object' && thrown !== null && typeof read(thrown, 'message') === 'string')
  );
}

function read(from: object, key: string): unknown {
  try {
    return (from as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function asString(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

function text(value: string): string {
  return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT - 1)}…` : value;
}
