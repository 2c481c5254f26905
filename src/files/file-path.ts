/**
 * Checks the paths that options and environment variables give, and makes them absolute.
 *
 * Invariants:
 * - A path is made absolute once, when the option is read. A later `process.chdir` changes nothing.
 * - Nothing here touches the file system, except to read the current folder.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asError, show, ValidationError } from '../errors.js';
import type { FieldCheck } from '../input/field-checks.js';

/** The path of an in-memory database. */
export const MEMORY = ':memory:';

/** Checks a path. @throws ValidationError with the given code */
export const pathCheck: FieldCheck = (value, field, code) => {
  const problem = problemOf(value);
  if (problem !== undefined) throw new ValidationError(code, field, `${problem}, got ${shown(value)}`);
};

/**
 * A path that {@link pathCheck} accepts, made absolute; `:memory:` stays as it is.
 *
 * @throws ValidationError `OPTION_INVALID` if the path is relative and the current folder no longer exists
 */
export function absolutePath(value: string | URL, field: string): string {
  if (isUrl(value)) return fileURLToPath(value);
  if (value === MEMORY) return MEMORY;
  try {
    return resolve(value);
  } catch (error) {
    const problem = `is relative to the current folder, which cannot be read (${asError(error).message})`;
    throw new ValidationError('OPTION_INVALID', field, `${problem}, got ${show(value)}`, { cause: error });
  }
}

function problemOf(value: unknown): string | undefined {
  if (isUrl(value)) return problemOfUrl(value);
  if (typeof value !== 'string' || value === '') return 'expected a path, a file: URL object, or :memory:';
  return problemOfText(value);
}

function problemOfUrl(url: URL): string | undefined {
  if (url.protocol !== 'file:') return 'expected a path, a file: URL object, or :memory:';
  if (url.search !== '' || url.hash !== '') {
    return 'expected a URL without a query or a fragment; in the name of a file write ? as %3F and # as %23';
  }
  try {
    return problemOfText(fileURLToPath(url));
  } catch (error) {
    return `expected the URL of a local file (${asError(error).message})`;
  }
}

function problemOfText(path: string): string | undefined {
  if (path === MEMORY) return undefined;
  if (MISSPELT_MEMORY.test(path)) return `expected a path; did you mean ${MEMORY}?`;
  if (/[\0\p{Cs}]/u.test(path)) return 'expected a path without NUL and half surrogates';
  if (/^file:/i.test(path)) return 'expected a path or a URL object, found the text of a URL; write new URL(…)';
  // The driver trims the path, and would open another file.
  if (path !== path.trim()) return 'expected a path without white space at its ends';
  if (FOLDER.test(path)) return 'expected the path of a file, found that of a folder';
  return undefined;
}

const MISSPELT_MEMORY = /^\s*(file:)?(:memory:?|memory:)(\?.*)?\s*$/i;
/** Ends with a separator, `.` or `..`; `\` is a separator on Windows only. */
const FOLDER = process.platform === 'win32' ? /(^|[/\\])\.{0,2}$/ : /(^|\/)\.{0,2}$/;

/** A `URL` is shown as its text. */
function shown(value: unknown): string {
  return show(isUrl(value) ? value.href : value);
}

/** Whether this is a `URL` of any realm. `instanceof` fails for another realm, whose `URL` is another class. */
export function isUrl(value: unknown): value is URL {
  if (typeof value !== 'object' || value === null) return false;
  const { href, protocol } = value as Partial<URL>;
  return typeof href === 'string' && typeof protocol === 'string' && URL.canParse(href);
}
