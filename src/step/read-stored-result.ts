/**
 * Reads back what is stored as a step's result and error.
 *
 * Invariants: nothing here throws. A text that is no JSON (a row written by hand, a damaged file) is reported as a problem.
 * It never looks as if the handler had returned nothing.
 */
import { MAX_CAUSES, plainError, type SerializedError } from './serialized-error.js';
import { isRecord } from './payload.js';

export interface StoredResult {
  readonly value: unknown;
  /** Why it cannot be read, if it cannot. */
  readonly problem: SerializedError | undefined;
}

const NOTHING: StoredResult = Object.freeze({ value: undefined, problem: undefined });

/** The result that a text holds. `null`: the handler returned nothing. The problem does not show the text. */
export function readResult(text: string | null): StoredResult {
  if (text === null) return NOTHING;
  try {
    return { value: JSON.parse(text), problem: undefined };
  } catch {
    return { value: undefined, problem: unreadable('result', text) };
  }
}

/** The error that a text holds. `null`: there is none. An error that was written by hand is kept as far as possible. */
export function readError(text: string | null): SerializedError | undefined {
  if (text === null) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return unreadable('error', text);
  }
  return (
    recorded(parsed, MAX_CAUSES) ?? {
      name: 'NonError',
      message: typeof parsed === 'string' ? parsed : JSON.stringify(parsed),
    }
  );
}

/** The parts of a value that this library records of an error; `undefined` if it is no error. */
function recorded(parsed: unknown, causes: number): SerializedError | undefined {
  if (!isRecord(parsed)) return undefined;
  const { name, message, code, stack, cause, errors, fields } = parsed;
  if (typeof name !== 'string' || typeof message !== 'string') return undefined;
  const inner = causes > 0 ? recorded(cause, causes - 1) : undefined;
  return {
    name,
    message,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(typeof stack === 'string' ? { stack } : {}),
    ...(inner === undefined ? {} : { cause: inner }),
    ...(Array.isArray(errors) ? { errors: errors.flatMap((each) => recorded(each, causes - 1) ?? []) } : {}),
    ...(isRecord(fields) ? { fields } : {}),
  };
}

function unreadable(what: string, text: string): SerializedError {
  return plainError('RESULT_UNREADABLE', `the stored ${what} is no JSON (${text.length} characters)`);
}
