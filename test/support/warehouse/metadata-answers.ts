/**
 * Answers what the services layer knows of a table without reading it, in the two forms in which the library asks:
 * `SELECT SYSTEM$LAST_CHANGE_COMMIT_TIME('table') AS name` and `SELECT COUNT(*) AS name FROM table`.
 *
 * The emulator is asked for the count once for each change of the table, and for the token once. A fleet that sleeps for
 * a day asks a hundred thousand times.
 */
import type { Changes } from './change-tokens.js';
import type { Session } from './sessions.js';
import { fullName, leadingName, partsOf } from './sql-text.js';
import { done, type Reply } from './wire-replies.js';

const TOKEN = /^\s*SELECT\s+SYSTEM\$LAST_CHANGE_COMMIT_TIME\s*\(\s*'((?:[^']|'')*)'\s*\)\s+AS\s+(\w+)\s*$/i;
const COUNT = /^\s*SELECT\s+COUNT\s*\(\s*\*\s*\)\s+AS\s+\w+\s+FROM\s+([^\s;]+)\s*$/i;

export class MetadataAnswers {
  readonly #changes: Changes;
  /** What the emulator has answered, by statement, and the version of the table then. */
  readonly #known = new Map<string, { readonly version: string; readonly reply: Reply }>();

  constructor(changes: Changes) {
    this.#changes = changes;
  }

  /** A table was made, altered or dropped, or a transaction has ended. */
  forget(): void {
    this.#known.clear();
  }

  /** The answer to `sql`, from what is known, or else from the emulator. */
  async answer(sql: string, session: Session, ask: () => Promise<Reply>): Promise<Reply> {
    const asked = askedBy(sql);
    if (asked === undefined || session.transaction !== undefined) return ask();
    const table = fullName(asked.table, session);
    const version = this.#changes.version(table);
    const key = `${session.database}.${session.schema}: ${sql}`;
    const known = this.#known.get(key);
    // The table is known to be there, so its token is known too.
    if (known !== undefined && asked.column !== undefined) return numbered(asked.column, this.#changes.of(table));
    if (known?.version === version) return known.reply;
    const reply = await ask();
    if (reply.success) this.#known.set(key, { version, reply });
    return reply;
  }
}

/** @returns the table, and the column of the token if that is asked for */
function askedBy(sql: string): { readonly table: readonly string[]; readonly column?: string } | undefined {
  const token = TOKEN.exec(sql);
  if (token !== null) return { table: partsOf(token[1]!.replaceAll("''", "'")), column: token[2]! };
  const count = COUNT.exec(sql);
  return count === null ? undefined : { table: leadingName(count[1]!) };
}

/** One row of one number. */
function numbered(column: string, value: string): Reply {
  const type = { type: 'fixed', nullable: true, scale: 0, precision: 38, length: null, byteLength: null };
  const rowtype = [{ name: column.toUpperCase(), database: '', schema: '', table: '', collation: null, ...type }];
  return done({ rowtype, rowset: [[value]], total: 1, returned: 1, version: 1, queryResultFormat: 'json' });
}
