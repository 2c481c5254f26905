/** From what SQLite or its driver throws to our own errors. */
import { asError, StoreError, type ErrorCode } from '../../errors.js';

/** What SQLite says, in the driver's words: `SQLITE_BUSY_SNAPSHOT`. Empty for what does not come from it. */
export function sqliteCode(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : '';
}

/** Whether another connection stands in the way for the moment. Any statement may be told so, reads and PRAGMAs too. */
export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED)/.test(sqliteCode(error));
}

interface Fault {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly transient: boolean;
  readonly meaning: string;
}

const FAULTS: readonly Fault[] = [
  { pattern: /^SQLITE_(BUSY|LOCKED)/, code: 'STORE_BUSY', transient: true, meaning: 'others hold the file' },
  {
    pattern: /^SQLITE_NOTADB/,
    code: 'STORE_NOT_A_DATABASE',
    transient: false,
    meaning: 'the file is not an SQLite database',
  },
  { pattern: /^SQLITE_CORRUPT/, code: 'STORE_CORRUPT', transient: false, meaning: 'the database is damaged' },
  { pattern: /^SQLITE_FULL/, code: 'STORE_FULL', transient: true, meaning: 'no space is left' },
  {
    pattern: /^SQLITE_(READONLY|CANTOPEN|PERM|AUTH)/,
    code: 'STORE_UNWRITABLE',
    transient: false,
    meaning: 'the file cannot be written',
  },
  {
    pattern: /^SQLITE_(TOOBIG|MISMATCH|CONSTRAINT|RANGE)/,
    code: 'STORE_REFUSED',
    transient: false,
    meaning: 'a value cannot be stored',
  },
];

/**
 * The error to throw for what was thrown. Errors of ours pass as they are; what is neither ours nor SQLite's comes from
 * binding: a value that no column can hold.
 */
export function storeError(thrown: unknown, path: string): StoreError {
  if (thrown instanceof StoreError) return thrown;
  const { message } = asError(thrown);
  const code = sqliteCode(thrown);
  const fault = FAULTS.find(({ pattern }) => pattern.test(code));
  if (fault !== undefined) {
    return new StoreError(fault.code, `${fault.meaning}: ${path} (${message})`, fault.transient, { cause: thrown });
  }
  if (code === '' && (thrown instanceof TypeError || thrown instanceof RangeError)) {
    return new StoreError('STORE_REFUSED', `a value cannot be stored: ${message}`, false, { cause: thrown });
  }
  return new StoreError('STORE_UNAVAILABLE', `the database failed: ${path} (${message})`, true, { cause: thrown });
}
