/**
 * What is stored as a step's result and error, read back.
 *
 * Invariants: nothing here throws. A text that is no JSON (a row written by hand, a damaged file) is a problem that is
 * told, never a value that looks like "the handler returned nothing".
 */
import { plainError, type SerializedError } from './failure.js';

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
  if (isRecorded(parsed)) return parsed;
  return { name: 'NonError', message: typeof parsed === 'string' ? parsed : JSON.stringify(parsed) };
}

function isRecorded(parsed: unknown): parsed is SerializedError {
  if (typeof parsed !== 'object' || parsed === null) return false;
  const { name, message } = parsed as { name?: unknown; message?: unknown };
  return typeof name === 'string' && typeof message === 'string';
}

function unreadable(what: string, text: string): SerializedError {
  return plainError('RESULT_UNREADABLE', `the stored ${what} is no JSON (${text.length} characters)`);
}
