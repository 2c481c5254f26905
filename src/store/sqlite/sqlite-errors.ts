/** Turns an error of SQLite or its driver into a StoreError. */
import { sqliteCode } from '../../driver/better-sqlite3.js';
import { asError, StoreError, type ErrorCode } from '../../errors.js';

export { isBusy, sqliteCode } from '../../driver/better-sqlite3.js';

interface Fault {
  readonly pattern: RegExp;
  /** If given, the message must match too. */
  readonly message?: RegExp;
  readonly code: ErrorCode;
  readonly transient: boolean;
  readonly meaning: string;
}

const FAULTS: readonly Fault[] = [
  {
    pattern: /^SQLITE_(BUSY|LOCKED)/,
    code: 'STORE_BUSY',
    transient: true,
    meaning: 'another connection locks the file',
  },
  {
    pattern: /^SQLITE_NOTADB/,
    code: 'STORE_NOT_A_DATABASE',
    transient: false,
    meaning: 'the file is not an SQLite database',
  },
  { pattern: /^SQLITE_CORRUPT/, code: 'STORE_CORRUPT', transient: false, meaning: 'the database is damaged' },
  { pattern: /^SQLITE_FULL/, code: 'STORE_FULL', transient: true, meaning: 'no space is left on the disk' },
  {
    pattern: /^SQLITE_(READONLY|CANTOPEN|PERM|AUTH)/,
    code: 'STORE_UNWRITABLE',
    transient: false,
    meaning: 'the file cannot be written',
  },
  {
    pattern: /^SQLITE_ERROR$/,
    message: /no such (table|column|index)|has no column named|already exists/,
    code: 'STORE_ALTERED',
    transient: false,
    meaning: 'a table is missing, or differs from how fleet-q made it',
  },
  {
    pattern: /^SQLITE_(TOOBIG|MISMATCH|CONSTRAINT|RANGE)/,
    code: 'STORE_REFUSED',
    transient: false,
    meaning: 'a value cannot be stored',
  },
];

/**
 * The StoreError for a thrown error. A StoreError passes as it is. A TypeError or RangeError without a code comes from
 * binding a value that no column can hold.
 */
export function storeError(thrown: unknown, path: string): StoreError {
  if (thrown instanceof StoreError) return thrown;
  const { name, message } = asError(thrown);
  const code = sqliteCode(thrown);
  const fault = FAULTS.find((known) => known.pattern.test(code) && (known.message?.test(message) ?? true));
  if (fault !== undefined) {
    return new StoreError(fault.code, `${fault.meaning}: ${path} (${message})`, fault.transient, { cause: thrown });
  }
  if (code === '' && /^(Type|Range)Error$/.test(name)) {
    return new StoreError('STORE_REFUSED', `a value cannot be stored: ${message}`, false, { cause: thrown });
  }
  return new StoreError('STORE_UNAVAILABLE', `the database failed: ${path} (${message})`, true, { cause: thrown });
}
