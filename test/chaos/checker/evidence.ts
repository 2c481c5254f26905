/** The evidence: the ledgers of all processes, and the file after all of them have ended. */
import Database from 'better-sqlite3';
import { readChanges, readEnds, type Change, type End } from '../history.js';
import { ledgersIn, readLedger, type Entry } from '../ledger.js';
import { fileIn, scaleIn } from '../settings.js';
import type { Args, StepType } from '../workload.js';

/** A step's row as it stands at the end. */
export interface Row {
  readonly stepId: string;
  readonly type: StepType;
  readonly status: string;
  readonly version: number;
  readonly retries: number;
  readonly maxRetries: number;
  readonly crashes: number;
  readonly token: string | null;
  /** `null`: the payload is not what was submitted. */
  readonly args: Args | null;
  readonly result: unknown;
  readonly error: { readonly name?: string; readonly code?: string } | null;
}

/** The ledger of one process. */
export interface Book {
  readonly life: string;
  readonly entries: readonly Entry[];
}

export interface Evidence {
  readonly rows: ReadonlyMap<string, Row>;
  /** By step, in their order. */
  readonly changes: ReadonlyMap<string, readonly Change[]>;
  /** By incarnation: how it ended, if it did, and whose it was. */
  readonly ends: ReadonlyMap<string, End>;
  readonly lives: ReadonlyMap<string, string>;
  readonly pods: readonly Book[];
  readonly submitters: readonly Book[];
  readonly choreography: readonly Entry[];
  /** How many times as long as by the settings the intervals were. */
  readonly scale: number;
  /** What SQLite says of the file. */
  readonly integrity: string;
}

export function evidenceIn(folder: string): Evidence {
  const connection = new Database(fileIn(folder), { readonly: true, fileMustExist: true });
  try {
    const books = ledgersIn(folder).map((life) => ({ life, entries: readLedger(folder, life) }));
    return {
      rows: new Map(readRows(connection).map((row) => [row.stepId, row])),
      changes: grouped(readChanges(connection), ({ stepId }) => stepId),
      ends: new Map(readEnds(connection).map((end) => [end.incarnation, end])),
      lives: readLives(connection),
      pods: books.filter(({ life }) => life.startsWith('pod')),
      submitters: books.filter(({ life }) => life.startsWith('submitter')),
      choreography: books.find(({ life }) => life === 'choreography')?.entries ?? [],
      scale: scaleIn(folder),
      integrity: String(connection.pragma('integrity_check', { simple: true })),
    };
  } finally {
    connection.close();
  }
}

function readRows(connection: Database.Database): Row[] {
  const columns = `step_id AS stepId, step_type AS type, status, version, retry_count AS retries, max_retries AS maxRetries,
    crashes, claim_token AS token, payload, result, error`;
  type Raw = Omit<Row, 'args' | 'result' | 'error'> & Readonly<Record<'payload' | 'result' | 'error', string | null>>;
  return connection
    .prepare<[], Raw>(`SELECT ${columns} FROM STEP_TRACKER`)
    .all()
    .map(({ payload, result, error, ...row }) => ({
      ...row,
      args: (parsed(payload) as { args?: Args } | null)?.args ?? null,
      result: parsed(result),
      error: parsed(error) as Row['error'],
    }));
}

/** Pods say in their `meta` which life they are. */
function readLives(connection: Database.Database): Map<string, string> {
  const rows = connection
    .prepare<[], { incarnation: string; meta: string }>('SELECT incarnation, meta FROM POD_HEALTH')
    .all();
  return new Map(
    rows.map(({ incarnation, meta }) => [incarnation, (parsed(meta) as { life?: string } | null)?.life ?? '?']),
  );
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

export function grouped<T>(list: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of list) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
