/** The floor: claim and settle by a bare better-sqlite3 loop, with the store's own table, indexes and statements. */
import Database from 'better-sqlite3';
import { systemRuntime as runtime } from '../../src/runtime/runtime.js';
import { migrate } from '../../src/store/sqlite/migration.js';
import type { CandidateRow } from '../../src/store/sqlite/rows.js';
import {
  CLAIM,
  FINISH,
  INSERT_STEP,
  JOURNAL_MODE_WAL,
  SETTINGS,
  SYNCHRONOUS,
  WALK,
} from '../../src/store/sqlite/statements.js';
import { newStep, POD } from './measure.js';

const BATCH = 500;

/** Steps a second of claim and settle, with nothing around the statements. */
export function floor(file: string, steps: number): number {
  const db = new Database(file, { timeout: 0 });
  for (const statement of [JOURNAL_MODE_WAL, ...SETTINGS, SYNCHRONOUS.normal]) db.exec(statement);
  migrate(db, file);
  const insert = db.prepare(INSERT_STEP);
  const walk = db.prepare<[number, string, number], CandidateRow>(WALK).raw();
  const claim = db.prepare(CLAIM);
  const finish = db.prepare(FINISH);
  db.transaction(() => {
    const now = Date.now();
    for (let i = 0; i < steps; i++) {
      const { stepId, type, payload } = newStep();
      insert.run(stepId, type, 1, 0, now, 3, now, now, payload);
    }
  })();
  let held: readonly CandidateRow[] = [];
  let before = '';
  const exchange = db.transaction((now: number, token: string) => {
    for (const row of held)
      finish.run('completed', now, 0, 0, 'null', null, POD.incarnation, row[3], before, row[5] + 1);
    held = walk.all(1, 'noop', BATCH);
    for (const row of held) claim.run(now, POD.podId, POD.incarnation, token, row[0], row[5]);
    before = token;
  });
  const startedAt = performance.now();
  do exchange.immediate(Date.now(), runtime.uuid());
  while (held.length > 0);
  const tookMs = performance.now() - startedAt;
  db.close();
  return (steps / tookMs) * 1_000;
}
