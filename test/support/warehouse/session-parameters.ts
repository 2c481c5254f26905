/** Applies the parameters of a session to a statement and to its reply. */
import type { Session } from './sessions.js';
import { countStatements, skeleton } from './sql-text.js';
import { refusals, type Reply } from './wire-replies.js';

/** The statement as the session reads it: QUOTED_IDENTIFIERS_IGNORE_CASE keeps quoted names in capitals too. */
export function asRead(sql: string, session: Session): string {
  if (!session.isOn('QUOTED_IDENTIFIERS_IGNORE_CASE')) return sql;
  let [text, end] = ['', 0];
  for (const { 0: name, index } of skeleton(sql).matchAll(/"[^"]*"/g)) {
    text += sql.slice(end, index) + sql.slice(index, index + name.length).toUpperCase();
    end = index + name.length;
  }
  return text + sql.slice(end);
}

/** MULTI_STATEMENT_COUNT, of the request or else of the session; 0 is any number. */
export function refuseOtherCount(sql: string, session: Session, requested: unknown): void {
  const wanted = Number(requested ?? session.parameter('MULTI_STATEMENT_COUNT') ?? 1);
  const count = countStatements(sql);
  // The emulator runs one at a time.
  if (count !== 1 || (wanted !== 0 && wanted !== 1)) throw refusals.severalStatements(count, wanted);
}

const TEXT = String.raw`'((?:[^'\\]|''|\\.)*)'`;
const TEXTS_AS_INSTANTS = [
  String.raw`\bCAST\s*\(\s*${TEXT}\s+AS\s+(?:TIMESTAMP|DATETIME)`,
  String.raw`\b(?:TRY_)?TO_TIMESTAMP\w*\s*\(\s*${TEXT}\s*\)`,
  String.raw`${TEXT}\s*::\s*(?:TIMESTAMP|DATETIME)`,
].map((pattern) => new RegExp(pattern, 'i'));

/** TIMESTAMP_INPUT_FORMAT: only AUTO is known to read a text; any other counts as one that the text is not written in. */
export function refuseTexts(sql: string, session: Session): void {
  const format = session.parameter('TIMESTAMP_INPUT_FORMAT') ?? 'AUTO';
  if (format.toUpperCase() === 'AUTO') return;
  for (const pattern of TEXTS_AS_INSTANTS) {
    const text = pattern.exec(sql)?.[1];
    if (text !== undefined) throw refusals.unreadableInstant(text);
  }
}

/** The reply as the session gets it: ROWS_PER_RESULTSET cuts it, JS_TREAT_INTEGER_AS_BIGINT is for the driver to read. */
export function asSent(reply: Reply, session: Session): Reply {
  const { data } = reply;
  if (!reply.success || data?.['rowset'] === undefined) return reply;
  const most = session.seconds('ROWS_PER_RESULTSET', 0) || Infinity;
  const rowset = (data['rowset'] as unknown[]).slice(0, most);
  const bigIntegers = { name: 'JS_TREAT_INTEGER_AS_BIGINT', value: session.isOn('JS_TREAT_INTEGER_AS_BIGINT') };
  const parameters = [...((data['parameters'] as unknown[]) ?? []), bigIntegers];
  return { ...reply, data: { ...data, rowset, parameters, returned: rowset.length, total: rowset.length } };
}
