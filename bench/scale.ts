/**
 * Whether a claim stays as fast beside what it should not look at.
 *
 * `npx tsx bench/scale.ts [rows]`: the time of an exchange that settles ten steps and claims ten, on a file that holds
 * nothing else; beside so many (a million) finished steps; so many future ones of higher priority; so many of a type
 * that nobody handles; and of a submit, a heartbeat, a look for orphans and the last piece of retention beside them all.
 */
import Database from 'better-sqlite3';
import { systemRuntime as runtime } from '../src/runtime/runtime.js';
import type { Settlement, Store } from '../src/store/contract.js';
import { fill, median, newStep, POD, quantile, report, timed, withFile, withStore } from './support/measure.js';

const ROWS = Number(process.argv[2] ?? 1_000_000);
const TIMES = 400;

/** Puts in rows without the store, in one statement. */
function flood(file: string, name: string, columns: string, values: string): void {
  const db = new Database(file);
  db.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
    INSERT INTO STEP_TRACKER (step_id, payload, ${columns}) SELECT '${name}-' || i, '{"type":"x"}', ${values} FROM n`);
  db.close();
}

async function exchanges(store: Store): Promise<string> {
  await fill(store, TIMES * 10);
  const tooks: number[] = [];
  let settlements: Settlement[] = [];
  for (let i = 0; i < TIMES; i++) {
    const claim = {
      token: runtime.uuid(),
      free: 10,
      prefetch: 0,
      quarantine: 1 as const,
      types: { noop: 10, rare: 10 },
    };
    tooks.push(
      await timed(async () => {
        const { claims } = await store.exchange({ pod: POD, settlements, claim });
        settlements = claims.map(({ stepId, claimToken, version }) => ({
          ...{ stepId, claimToken, version, status: 'completed', delayMs: null },
          ...{ charge: 0, crash: 0, result: null, error: null },
        }));
      }),
    );
  }
  await store.settle(POD, settlements);
  return shown(tooks);
}

const shown = (tooks: readonly number[]): string =>
  `p50 ${median(tooks).toFixed(3)} ms, p99 ${quantile(tooks, 0.99).toFixed(2)} ms`;

async function repeated(work: () => Promise<unknown>): Promise<string> {
  const tooks: number[] = [];
  for (let i = 0; i < 50; i++) tooks.push(await timed(work));
  return shown(tooks);
}

await withFile((file) =>
  withStore(file, { helper: true }, async (store) => {
    report('an exchange of ten and ten', await exchanges(store));
    flood(file, 'done', 'status, last_update_ts', `'completed', ${Date.now()}`);
    report(`… beside ${ROWS} finished steps`, await exchanges(store));
    flood(file, 'later', 'step_type, priority, run_at', `'noop', 9, ${Date.now() + 86_400_000} + i`);
    report(`… and as many future ones of higher priority`, await exchanges(store));
    flood(file, 'other', 'step_type, due, priority, run_at', `'nobody', 1, 9, i`);
    report(`… and as many due ones that nobody handles`, await exchanges(store));
    const beat = { eligible: true, asleep: false, meta: {} };
    report('beside all: a submit', await repeated(() => store.submit([newStep()])));
    report('beside all: a heartbeat', await repeated(() => store.heartbeat(POD, beat)));
    report('beside all: a look for orphans', await repeated(() => store.orphans({ limit: 100 })));
    report('beside all: a last piece of retention', await repeated(() => store.prune({ keepMs: 3_600_000 })));
    report('beside all: stats, by the helper', `${Math.round(await timed(() => store.stats()))} ms`);
  }),
);
