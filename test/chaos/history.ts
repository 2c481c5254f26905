/**
 * The file's own history: triggers record every change of a step's state, and every end of an incarnation, in the
 * transaction that makes it. The library sees no difference. A change that only makes a step ready is not recorded.
 */
import type { Database } from 'better-sqlite3';

const TABLES = `
CREATE TABLE CHAOS_CHANGE (
  seq INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  step_id TEXT NOT NULL,
  from_status TEXT, from_version INTEGER, from_token TEXT, from_incarnation TEXT, from_retries INTEGER, from_crashes INTEGER,
  status TEXT, version INTEGER, token TEXT, incarnation TEXT, retries INTEGER, crashes INTEGER,
  settled_token TEXT, settled_version INTEGER, settled_by TEXT, run_at INTEGER, updated INTEGER, run TEXT
);
CREATE TABLE CHAOS_END (incarnation TEXT NOT NULL, final TEXT NOT NULL, after_seq INTEGER NOT NULL, at INTEGER NOT NULL);
`;

const NOW = `CAST(unixepoch('subsec') * 1000 AS INTEGER)`;
const AFTER = `new.status, new.version, new.claim_token, new.claimed_incarnation, new.retry_count, new.crashes,
  new.settled_token, new.settled_version, new.settled_by, new.run_at, new.last_update_ts,
  iif(new.status = 'completed' AND json_valid(new.result), json_extract(new.result, '$.run'), NULL)`;

const TRIGGERS = `
CREATE TRIGGER CHAOS_INSERTED AFTER INSERT ON STEP_TRACKER BEGIN
  INSERT INTO CHAOS_CHANGE SELECT NULL, ${NOW}, new.step_id, NULL, NULL, NULL, NULL, NULL, NULL, ${AFTER};
END;
CREATE TRIGGER CHAOS_UPDATED AFTER UPDATE OF status, version, claim_token, claimed_incarnation, retry_count, crashes, result, error
ON STEP_TRACKER BEGIN
  INSERT INTO CHAOS_CHANGE SELECT NULL, ${NOW}, new.step_id, old.status, old.version, old.claim_token, old.claimed_incarnation,
    old.retry_count, old.crashes, ${AFTER};
END;
CREATE TRIGGER CHAOS_DELETED AFTER DELETE ON STEP_TRACKER BEGIN
  INSERT INTO CHAOS_CHANGE (at, step_id, from_status, from_version) VALUES (${NOW}, old.step_id, old.status, old.version);
END;
CREATE TRIGGER CHAOS_ENDED AFTER UPDATE OF final ON POD_HEALTH WHEN new.final IS NOT NULL AND old.final IS NULL BEGIN
  INSERT INTO CHAOS_END VALUES (new.incarnation, new.final, coalesce((SELECT max(seq) FROM CHAOS_CHANGE), 0), ${NOW});
END;
`;

/** A change of a step's state. An insert has no `from…`; a deletion has nothing else. */
export interface Change {
  readonly seq: number;
  readonly at: number;
  readonly stepId: string;
  readonly fromStatus: string | null;
  readonly fromVersion: number | null;
  readonly fromToken: string | null;
  readonly fromIncarnation: string | null;
  readonly fromRetries: number | null;
  readonly fromCrashes: number | null;
  readonly status: string | null;
  readonly version: number | null;
  readonly token: string | null;
  readonly incarnation: string | null;
  readonly retries: number | null;
  readonly crashes: number | null;
  readonly settledToken: string | null;
  readonly settledVersion: number | null;
  readonly settledBy: string | null;
  readonly runAt: number | null;
  readonly updated: number | null;
  /** The run whose result the step has been completed with. */
  readonly run: string | null;
}

/** How an incarnation ended: after which change. */
export interface End {
  readonly incarnation: string;
  readonly final: 'left' | 'evicted';
  readonly afterSeq: number;
  readonly at: number;
}

/** Creates the tables of a history that no trigger keeps. */
export function createHistory(connection: Database): void {
  connection.exec(TABLES);
}

/** How such a history is written: by names. */
export const INSERT_CHANGE = `INSERT INTO CHAOS_CHANGE VALUES ($seq, $at, $step_id, $from_status, $from_version, $from_token, $from_incarnation,
    $from_retries, $from_crashes, $status, $version, $token, $incarnation, $retries, $crashes, $settled_token, $settled_version,
    $settled_by, $run_at_ms, $updated, $run)`;

/** Starts the history. Call it before the first step is submitted. */
export function keepHistory(connection: Database): void {
  connection.transaction(() => connection.exec(TABLES + TRIGGERS)).immediate();
}

export function readChanges(connection: Database): Change[] {
  const columns = `seq, at, step_id AS stepId, from_status AS fromStatus, from_version AS fromVersion, from_token AS fromToken,
    from_incarnation AS fromIncarnation, from_retries AS fromRetries, from_crashes AS fromCrashes, status, version, token,
    incarnation, retries, crashes, settled_token AS settledToken, settled_version AS settledVersion, settled_by AS settledBy,
    run_at AS runAt, updated, run`;
  return connection.prepare<[], Change>(`SELECT ${columns} FROM CHAOS_CHANGE ORDER BY seq`).all();
}

export function readEnds(connection: Database): End[] {
  return connection.prepare<[], End>('SELECT incarnation, final, after_seq AS afterSeq, at FROM CHAOS_END').all();
}
