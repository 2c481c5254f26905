/**
 * What the host's event loop feels while the store works at full load, beside retention and continual stats.
 *
 * `npm run build && npx tsx bench/responsiveness.ts [steps]`: claims and settles all there is, while 100,000 old steps are
 * removed and stats are asked for again and again; with the helper thread and without. The delay is that of a
 * timer: what it came later than it should.
 */
import Database from 'better-sqlite3';
import { systemRuntime as runtime } from '../src/runtime/runtime.js';
import type { Settlement, Store } from '../src/store/contract.js';
import { fill, POD, quantile, report, timed, withFile, withStore } from './support/measure.js';

const STEPS = Number(process.argv[2] ?? 100_000);
const OLD = 100_000;

async function drain(store: Store): Promise<void> {
  let settlements: Settlement[] = [];
  let free = 250;
  do {
    const claim = { token: runtime.uuid(), free, prefetch: 0, quarantine: 1 as const, types: { noop: 10_000 } };
    const { claims, pace } = await store.exchange({ pod: POD, settlements, claim });
    free = pace.batch;
    settlements = claims.map(({ stepId, claimToken, version }) => ({
      ...{ stepId, claimToken, version, status: 'completed', delayMs: null },
      ...{ charge: 0, crash: 0, result: null, error: null },
    }));
    await runtime.yield();
  } while (settlements.length > 0);
}

/** Watches the event loop until it is told to stop. */
function watchLoop(): () => number[] {
  const delays: number[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    delays.push(Math.max(0, now - last - 1));
    last = now;
  }, 1);
  return () => {
    clearInterval(timer);
    return delays;
  };
}

async function run(name: string, helper: boolean, beside: boolean): Promise<void> {
  await withFile((file) =>
    withStore(file, { helper }, async (store) => {
      const db = new Database(file);
      db.exec(`
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${OLD})
        INSERT INTO STEP_TRACKER (step_id, status, payload, last_update_ts) SELECT 'old-' || i, 'completed', '{}', 1 FROM n`);
      db.close();
      await fill(store, STEPS);
      let over = false;
      let [removed, looks] = [0, 0];
      const housekeeping = async (): Promise<void> => {
        for (let more = true; more && !over;) {
          const piece = await store.prune({ keepMs: 3_600_000 });
          ({ more } = piece);
          removed += piece.removed;
          await runtime.yield();
        }
      };
      const looking = async (): Promise<void> => {
        for (; !over; looks++) await store.stats();
      };
      const stop = watchLoop();
      const others = beside ? Promise.all([housekeeping(), looking()]) : undefined;
      const tookMs = await timed(() => drain(store));
      over = true;
      const delays = stop();
      await others;
      const rate = Math.round((STEPS / tookMs) * 1_000).toLocaleString('en');
      report(
        name,
        `${rate} steps/s; loop delay p50 ${at(delays, 0.5)}, p99 ${at(delays, 0.99)}, most ${at(delays, 1)} ms; ${removed} removed, ${looks} stats`,
      );
    }),
  );
}

const at = (delays: readonly number[], share: number): string => quantile(delays, share).toFixed(1);

await run('alone, with the helper', true, false);
await run('alone, inline', false, false);
await run('beside retention and stats, with the helper', true, true);
await run('beside retention and stats, inline', false, true);
