/** The kind of a statement, as far as locks, slots, latency and the meter are concerned. */
import { leadingName, skeleton } from './sql-text.js';

export type StatementKind =
  | 'select'
  | 'insert'
  | 'update'
  | 'delete'
  | 'merge'
  | 'definition' // CREATE, DROP, ALTER and so on
  | 'metadata' // SHOW, DESCRIBE, SYSTEM$ functions, what names no table, an unfiltered COUNT(*)
  | 'session' // ALTER SESSION, USE
  | 'transaction'; // BEGIN, COMMIT, ROLLBACK

export interface Statement {
  readonly text: string;
  readonly kind: StatementKind;
  /** The parts of the name of the table that it changes. */
  readonly table: readonly string[] | undefined;
  /** Whether it holds the table's lock. */
  readonly locks: boolean;
  /** Whether it is answered without compute, by the services layer. */
  readonly free: boolean;
}

const KINDS: Readonly<Record<string, StatementKind>> = {
  INSERT: 'insert',
  UPDATE: 'update',
  DELETE: 'delete',
  MERGE: 'merge',
  ...over(['CREATE', 'DROP', 'ALTER', 'TRUNCATE', 'COMMENT', 'UNDROP', 'GRANT', 'REVOKE'], 'definition'),
  ...over(['SHOW', 'DESCRIBE', 'DESC', 'LIST', 'EXPLAIN'], 'metadata'),
  ...over(['USE', 'SET', 'UNSET'], 'session'),
  ...over(['BEGIN', 'START', 'COMMIT', 'ROLLBACK'], 'transaction'),
};

function over(words: readonly string[], kind: StatementKind): Record<string, StatementKind> {
  return Object.fromEntries(words.map((word) => [word, kind]));
}

const LOCKING: readonly StatementKind[] = ['update', 'delete', 'merge'];
const FREE: readonly StatementKind[] = ['definition', 'metadata', 'session', 'transaction'];

export function classify(text: string): Statement {
  const bones = skeleton(text);
  const kind = kindOf(bones);
  const target = /^\s*(?:INSERT\s+(?:OVERWRITE\s+)?INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO)\s+/i.exec(bones);
  const table = target === null ? undefined : leadingName(text.slice(target[0].length));
  return { text, kind, table, locks: LOCKING.includes(kind), free: FREE.includes(kind) && !isCopy(bones) };
}

/** The parts of the name of the table that an ALTER TABLE changes. */
export function alteredTable({ kind, text }: Statement): readonly string[] | undefined {
  const target = kind === 'definition' ? /^\s*ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?/i.exec(text) : null;
  return target === null ? undefined : leadingName(text.slice(target[0].length));
}

function kindOf(bones: string): StatementKind {
  if (/^\s*ALTER\s+SESSION\b/i.test(bones)) return 'session';
  const word = /^[\s(]*([A-Za-z]+)/.exec(bones)?.[1]?.toUpperCase() ?? '';
  return KINDS[word] ?? (isFromMetadata(bones) ? 'metadata' : 'select');
}

/** A query that names no table, or asks for nothing but the number of a table's rows. */
function isFromMetadata(bones: string): boolean {
  if (!/\bFROM\b/i.test(bones)) return true;
  return /^\s*SELECT\s+COUNT\s*\(\s*\*\s*\)(\s+(AS\s+)?\w+)?\s+FROM\s+[\w$."]+\s*;?\s*$/i.test(bones);
}

/** CREATE TABLE … AS SELECT computes. */
function isCopy(bones: string): boolean {
  return /^\s*CREATE\b[^]*\bTABLE\b[^]*\bAS\s*\(?\s*(SELECT|WITH)\b/i.test(bones);
}
