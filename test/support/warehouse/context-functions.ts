/** Functions of Snowflake's that the emulator does not have: their values are put into the text in their place. */
import type { Session } from './sessions.js';
import { skeleton } from './sql-text.js';

/** `CURRENT_WAREHOUSE()` and its like, from what the session is. */
export function withContext(sql: string, session: Session, account: string): string {
  const values: Readonly<Record<string, string | null>> = {
    WAREHOUSE: session.warehouse,
    ROLE: session.role,
    DATABASE: session.database,
    SCHEMA: session.schema,
    USER: session.user.toUpperCase(),
    ACCOUNT: account.toUpperCase(),
    SESSION: String(session.id),
    VERSION: '9.36.0',
  };
  const call = /\bCURRENT_(WAREHOUSE|ROLE|DATABASE|SCHEMA|USER|ACCOUNT|SESSION|VERSION)\s*\(\s*\)/gi;
  return replaced(sql, call, (found) => literal(values[found[1]!.toUpperCase()] ?? null));
}

/** `SYSTEM$LAST_CHANGE_COMMIT_TIME('table')`, from what `token` gives for the table. */
export async function withChangeTokens(sql: string, token: (table: string) => Promise<string>): Promise<string> {
  const call = /\bSYSTEM\$LAST_CHANGE_COMMIT_TIME\s*\(\s*'((?:[^']|'')*)'\s*\)/gi;
  const tokens = new Map<string, string>();
  for (const [, table] of sql.matchAll(call)) tokens.set(table!, await token(table!.replaceAll("''", "'")));
  return sql.replace(call, (_, table: string) => `CAST('${tokens.get(table)!}' AS NUMBER(38, 0))`);
}

/** Replaces what `pattern` finds outside literals, comments and quoted names. */
function replaced(sql: string, pattern: RegExp, by: (found: RegExpMatchArray) => string): string {
  let [text, end] = ['', 0];
  for (const found of skeleton(sql).matchAll(pattern)) {
    text += sql.slice(end, found.index) + by(found);
    end = found.index + found[0].length;
  }
  return text + sql.slice(end);
}

function literal(value: string | null): string {
  return value === null ? 'CAST(NULL AS VARCHAR)' : `'${value.replaceAll("'", "''")}'`;
}
