/**
 * What is stored as a step's result and error, read back.
 *
 * Invariants: nothing here throws. A text that is no JSON (a row written by hand, a damaged file) is a problem that is
 * told, never a value that looks like "the handler returned nothing".
 */
import { MAX_CAUSES, plainError, type SerializedError } from './serialized-error.js';
import { isRecord } from './payload.js';

export interface StoredResult {
  readonly value: unknown;
  /** Why it cannot be read, where it cannot. */
  readonly problem: SerializedError | undefined;
}

const NOTHING: StoredResult = Object.freeze({ value: undefined, problem: undefined });

/** The result that a text holds; `null`: the handler returned nothing. The problem does not show the text. */
export function readResult(text: string | null): StoredResult {
  if (text === null) return NOTHING;
  try {
    return { value: JSON.parse(text), problem: undefined };
  } catch {
    return { value: undefined, problem: unreadable('result', text) };
  }
}

/** The error that a text holds; `null`: there is none. One that was written by hand is taken as it is, as far as it can be. */
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

/** What of a value is an error as this library records it; `undefined`: it is none. Parts of another shape are left out. */
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
