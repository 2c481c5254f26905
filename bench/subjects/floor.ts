/**
 * The floor: better-sqlite3 in a bare loop. It has the store's table, indexes and settings, so the same row and
 * the same durability; an INSERT, a claiming UPDATE and a settling UPDATE for each step; 500 steps a transaction; and no
 * other code.
 */
import Database from 'better-sqlite3';
import { systemRuntime as runtime } from '../../src/runtime/runtime.js';
import { migrate } from '../../src/store/sqlite/schema/migration.js';
import type { CandidateRow } from '../../src/store/sqlite/row-mapping.js';
import { WALK } from '../../src/store/sqlite/claiming/statements.js';
import { JOURNAL_MODE_WAL, SETTINGS, SYNCHRONOUS } from '../../src/store/sqlite/file/statements.js';
import { FINISH, INSERT_STEP } from '../../src/store/sqlite/steps/statements.js';
import type { Place } from '../support/places.js';
import type { Subject } from './subject.js';

const BATCH = 500;
const CLAIM = `
UPDATE STEP_TRACKER
SET status = 'claimed', due = 0, version = version + 1, last_update_ts = ?, claimed_by = ?, claimed_incarnation = ?, claim_token = ?
WHERE rowid = ? AND version = ? AND status = 'pending'`;
const POD = { podId: 'floor', incarnation: 'floor-life' };

export function open({ file, full }: Place): Subject {
  const db = new Database(file, { timeout: 0 });
  for (const statement of [JOURNAL_MODE_WAL, ...SETTINGS, SYNCHRONOUS[full ? 'full' : 'normal']]) {
    db.exec(statement);
  }
  migrate(db, file);
  const insert = inserts(db);
  let settled = 0;
  return {
    submit: ({ n }) => insert(n, 1),
    submitMany: (count) => {
      for (let n = 0; n < count; n += BATCH) insert(n, Math.min(BATCH, count - n));
    },
    work: (onStart) => {
      const exchange = exchanges(db);
      for (let count = exchange(); count > 0; count = exchange()) {
        settled += count;
        for (let i = 0; i < count; i++) onStart({ n: 0 });
      }
    },
    settled: () => settled,
    close: () => db.close(),
  };
}

/** Inserts this many rows in one transaction. */
function inserts(db: Database.Database): (from: number, count: number) => void {
  const insert = db.prepare(INSERT_STEP);
  const transaction = db.transaction((from: number, count: number, now: number) => {
    for (let n = from; n < from + count; n++) {
      insert.run(runtime.uuid(), 'noop', 1, 0, now, 3, now, now, `{"type":"noop","args":{"n":${n}}}`);
    }
  });
  return (from, count) => transaction.immediate(from, count, Date.now());
}

/** Settles what the last transaction claimed, and claims the next steps. @returns how many it claimed */
function exchanges(db: Database.Database): () => number {
  const walk = db.prepare<[number, string, number], CandidateRow>(WALK).raw();
  const claim = db.prepare(CLAIM);
  const finish = db.prepare(FINISH);
  let held: readonly CandidateRow[] = [];
  let before = '';
  const transaction = db.transaction((now: number, token: string) => {
    for (const row of held) finish.run('completed', now, 0, 0, null, null, POD.incarnation, row[3], before, row[5] + 1);
    held = walk.all(1, 'noop', BATCH);
    for (const row of held) claim.run(now, POD.podId, POD.incarnation, token, row[0], row[5]);
    before = token;
    return held.length;
  });
  return () => transaction.immediate(Date.now(), runtime.uuid());
}
