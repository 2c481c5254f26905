/**
 * How fast steps go through the SQLite store: claim and settle, against a bare loop of the same SQL.
 *
 * `npm run build && npx tsx bench/throughput.ts [steps] [rounds]`. The bare loop runs the store's own table, indexes and
 * statements, 500 at a time, on better-sqlite3 with nothing around them. Both take turns on one machine, each round on a
 * fresh file; the median counts. The target: at least 0.75 of the bare loop.
 */
import Database from 'better-sqlite3';
import { systemRuntime as runtime } from '../src/runtime/runtime.js';
import { migrate } from '../src/store/sqlite/migration.js';
import type { CandidateRow } from '../src/store/sqlite/rows.js';
import {
  CLAIM,
  FINISH,
  INSERT_STEP,
  JOURNAL_MODE_WAL,
  SETTINGS,
  SYNCHRONOUS,
  WALK,
} from '../src/store/sqlite/statements.js';
import type { Claim, Settlement, Store } from '../src/store/contract.js';
import { fill, median, newStep, POD, measured, report, withFile, withStore, type Took } from './support/measure.js';

const STEPS = Number(process.argv[2] ?? 50_000);
const ROUNDS = Number(process.argv[3] ?? 5);
const BATCH = 500;

/** Claim and settle with nothing around the statements. */
async function bare(file: string): Promise<Took> {
  const db = new Database(file, { timeout: 0 });
  for (const statement of [JOURNAL_MODE_WAL, ...SETTINGS, SYNCHRONOUS.normal]) db.exec(statement);
  migrate(db, file);
  const insert = db.prepare(INSERT_STEP);
  const walk = db.prepare<[number, string, number], CandidateRow>(WALK).raw();
  const claim = db.prepare(CLAIM);
  const finish = db.prepare(FINISH);
  db.transaction(() => {
    const now = Date.now();
    for (let i = 0; i < STEPS; i++) {
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
  const took = await measured(() => {
    do exchange.immediate(Date.now(), runtime.uuid());
    while (held.length > 0);
  });
  db.close();
  return took;
}

function done({ stepId, claimToken, version }: Claim): Settlement {
  return {
    stepId,
    claimToken,
    version,
    status: 'completed',
    delayMs: null,
    charge: 0,
    crash: 0,
    result: 'null',
    error: null,
  };
}

/** Claims and settles all there is, as the pool would. Answers how many. */
async function drain(store: Store, types: Record<string, number> = { noop: 10_000 }): Promise<number> {
  let settlements: Settlement[] = [];
  let settled = 0;
  let free = BATCH;
  do {
    const claim = { token: runtime.uuid(), free, prefetch: 0, quarantine: 1 as const, types };
    const reply = await store.exchange({ pod: POD, settlements, claim });
    settled += settlements.length;
    settlements = reply.claims.map(done);
    free = reply.pace.batch;
  } while (settlements.length > 0);
  return settled;
}

const throughStore = (file: string, helper: boolean): Promise<Took> =>
  withStore(file, { helper }, async (store) => {
    await fill(store, STEPS);
    return measured(() => drain(store));
  });

const submitted = (file: string): Promise<Took> =>
  withStore(file, { helper: true }, (store) => measured(() => fill(store, STEPS)));

const contestants: Record<string, (file: string) => Promise<Took>> = {
  'bare loop, claim and settle': bare,
  'store, claim and settle': (file) => throughStore(file, true),
  'store without the helper thread': (file) => throughStore(file, false),
  'submit, 500 a call': submitted,
};
const rounds = Object.entries(contestants).map(([name, run]) => ({ name, run, tooks: [] as Took[] }));
for (let round = 0; round < ROUNDS; round++) {
  for (const { run, tooks } of rounds) tooks.push(await withFile(run));
}
const us = (tooks: readonly Took[], of: keyof Took): number => (median(tooks.map((took) => took[of])) * 1_000) / STEPS;
const [yardstick = { tooks: [] }] = rounds;
for (const { name, tooks } of rounds) {
  const ratio = (of: keyof Took) =>
    `${us(tooks, of).toFixed(1)} µs (${(us(yardstick.tooks, of) / us(tooks, of)).toFixed(2)} × bare)`;
  report(name, `a step: ${ratio('wallMs')}, of this thread's time ${ratio('cpuMs')}`);
}
