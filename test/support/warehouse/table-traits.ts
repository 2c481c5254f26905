/** What the emulator does not store of a table: its kind, its retention, what tracks it, and the collation of new text columns. */
import type { Session } from './sessions.js';
import { fullName, leadingName, partsOf, skeleton } from './sql-text.js';
import { refusals, type Reply } from './wire-replies.js';

interface Table {
  readonly kind: 'TABLE' | 'TRANSIENT' | 'TEMPORARY';
  /** Its own DEFAULT_DDL_COLLATION; `undefined` if it has that of the account. */
  collation: string | undefined;
  /** DATA_RETENTION_TIME_IN_DAYS; an account has 1 unless it was changed. */
  retentionDays: number;
  isTracked: boolean;
}

const CREATED = /^\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:(TRANSIENT|TEMP|TEMPORARY)\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?/i;
const ALTERED = /^\s*ALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?/i;
const COLLATION = /\bDEFAULT_DDL_COLLATION\s*=\s*'([^']*)'/i;
const RETENTION = /\bDATA_RETENTION_TIME_IN_DAYS\s*=\s*(\d+)/i;
const TRACKING = /\bCHANGE_TRACKING\s*=\s*(TRUE|FALSE)/i;
const SETTING = /\bSET\s+(DEFAULT_DDL_COLLATION|DATA_RETENTION_TIME_IN_DAYS|CHANGE_TRACKING)\b/i;
/** Of text columns that say nothing of a collation themselves. */
const TEXT_COLUMN = /\b(?:VARCHAR|TEXT|STRING)\b(?:\s*\(\s*\d+\s*\))?(?!\s*\(|\s+COLLATE)/gi;

export class Tables {
  readonly #all = new Map<string, Table>();

  /** The statement with the default collation of new text columns. The emulator knows one that ignores case. */
  withCollation(sql: string, session: Session): string {
    const bones = skeleton(sql);
    const made = CREATED.test(bones) && !/\bAS\s*\(?\s*(SELECT|WITH)\b/i.test(bones);
    const added = ALTERED.test(bones) && /\bADD\s+(?:COLUMN\s+)?/i.test(bones);
    if (!made && !added) return sql;
    const own = made ? COLLATION.exec(sql)?.[1] : this.#all.get(nameIn(sql, ALTERED, session))?.collation;
    if ((own ?? session.inherited.get('DEFAULT_DDL_COLLATION') ?? '') === '') return sql;
    let [text, end] = ['', 0];
    for (const { 0: type, index } of bones.matchAll(TEXT_COLUMN)) {
      text += `${sql.slice(end, index)}${type} COLLATE NOCASE`;
      end = index + type.length;
    }
    return text + sql.slice(end);
  }

  /** A quoted name is case-sensitive, but the emulator accepts any case. Snowflake answers that there is no such table. */
  refuseOtherCase(sql: string): void {
    for (const { 0: found, index } of skeleton(sql).matchAll(/"[^"]*"(?:\."[^"]*")*/g)) {
      const name = partsOf(sql.slice(index, index + found.length)).join('.');
      if (this.#all.has(name)) continue;
      const known = [...this.#all.keys()].some((one) => one.toLowerCase() === name.toLowerCase());
      if (known) throw refusals.unknownTable(name);
    }
  }

  /** Whether the emulator has nothing to do with it. */
  isSettingOnly(sql: string): boolean {
    return ALTERED.test(sql) && SETTING.test(sql);
  }

  /** Notes what a statement that went through has made of a table. */
  note(sql: string, session: Session): void {
    const created = CREATED.exec(sql);
    const name = nameIn(sql, created === null ? ALTERED : CREATED, session);
    if (created !== null) this.#create(name, created[1]?.toUpperCase(), sql);
    const known = this.#all.get(name);
    if (known === undefined) return;
    if (created === null && this.isSettingOnly(sql)) set(known, sql);
    const renamed = /\bRENAME\s+TO\s+([^]+)$/i.exec(sql)?.[1];
    if (created !== null || renamed === undefined) return;
    this.#all.delete(name);
    this.#all.set(fullName(leadingName(renamed), session), known);
  }

  #create(name: string, word: string | undefined, sql: string): void {
    if (/\bIF\s+NOT\s+EXISTS\b/i.test(skeleton(sql)) && this.#all.has(name)) return;
    const kind = word === 'TRANSIENT' ? 'TRANSIENT' : word === undefined ? 'TABLE' : 'TEMPORARY';
    const one: Table = { kind, collation: undefined, retentionDays: 1, isTracked: false };
    set(one, sql);
    this.#all.set(name, one);
  }

  /** The reply to SHOW TABLES, with the kinds. */
  withKinds(sql: string, { data, ...reply }: Reply): Reply {
    if (!/^\s*SHOW\s+(TERSE\s+)?TABLES\b/i.test(sql) || !data) return { ...reply, data: data ?? null };
    const columns = (data['rowtype'] as { readonly name: string }[]).map(({ name }) => name);
    const [database, schema, name, kind] = ['database_name', 'schema_name', 'name', 'kind'].map((column) =>
      columns.indexOf(column),
    ) as [number, number, number, number];
    const at = (column: string): number => columns.indexOf(column);
    const [retention, tracking] = [at('retention_time'), at('change_tracking')];
    const rowset = (data['rowset'] as string[][]).map((row) => {
      const known = this.#all.get([row[database], row[schema], row[name]].join('.'));
      return row.map((cell, at) => {
        if (at === kind) return known?.kind ?? cell;
        if (at === retention) return String(known?.retentionDays ?? cell);
        return at === tracking && known !== undefined ? (known.isTracked ? 'ON' : 'OFF') : cell;
      });
    });
    return { ...reply, data: { ...data, rowset } };
  }
}

/** What the statement sets of the table. */
function set(table: Table, sql: string): void {
  table.collation = COLLATION.exec(sql)?.[1] ?? table.collation;
  table.retentionDays = Number(RETENTION.exec(sql)?.[1] ?? table.retentionDays);
  table.isTracked = (TRACKING.exec(sql)?.[1] ?? String(table.isTracked)).toUpperCase() === 'TRUE';
}

function nameIn(sql: string, start: RegExp, session: Session): string {
  return fullName(leadingName(sql.replace(start, '')), session);
}
