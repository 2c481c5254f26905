/**
 * A backlog that nobody works off: it goes in without holding up its host, the -wal does not grow with it, and then it
 * is worked off, of which a pod holds no more at a time than it may.
 *
 * 100,000 steps, so that every run of the tests has them. `BACKLOG=1000000` makes it the million, in about a minute; the
 * name of the test says which it was.
 */
import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { WORKER_URL } from '../store/sqlite/support/files.js';
import { newQueue, QUICK, stopped, temporaryPath } from '../support/queues.js';

const STEPS = Number(process.env['BACKLOG'] ?? 100_000);
const TIMEOUT = 60_000 + STEPS;
/** Most steps in one commit. */
const CHUNK = 500;
const MAX_PREFETCH = 500;
/** Most steps that one exchange settles or takes. */
const BATCH = 1_000;
/** The -wal begins anew at 16 MB where nobody reads; beyond that it has what was written meanwhile. */
const WAL_BYTES = 64 * 1024 * 1024;
/** A step takes more in the file. */
const LEAST_BYTES = 100;

test(`${STEPS} steps submitted while nobody works`, { timeout: TIMEOUT }, async () => {
  const path = temporaryPath();
  const store = sqlite({ path, workerUrl: WORKER_URL });
  const client = stopped(new FleetQ<{ work: { args: { i: number }; result: null } }>({ store, ...QUICK }));
  const turns = watchTurns();
  client.on('step:submitted', () => turns.count());
  const ids = await client.submitMany(inputs());
  expect(turns.stop()).toBeLessThanOrEqual(2 * CHUNK);
  expect(new Set(ids).size).toBe(STEPS);
  // It has been copied meanwhile, so that the -wal can begin anew.
  await expect.poll(() => statSync(path).size, { timeout: 20_000 }).toBeGreaterThan(STEPS * LEAST_BYTES);
  expect(statSync(`${path}-wal`).size).toBeLessThan(WAL_BYTES);
  expect((await client.stats()).pendingSteps).toBe(STEPS);

  const ran = new Uint8Array(STEPS);
  const pod = newQueue({ store, maxParallelism: 20, maxPrefetch: MAX_PREFETCH }).register(
    'work',
    ({ i }: { i: number }) => {
      ran[i] = (ran[i] ?? 0) + 1;
    },
  );
  let [held, mostHeld, completed] = [0, 0, 0];
  pod.on('step:claimed', () => void (mostHeld = Math.max(mostHeld, ++held)));
  pod.on('step:released', () => void held--);
  pod.on('step:completed', () => void (held--, completed++));
  await pod.start();
  await expect.poll(() => completed, { timeout: TIMEOUT }).toBe(STEPS);
  expect(mostHeld).toBeLessThanOrEqual(MAX_PREFETCH + 2 * BATCH);
  expect(ran.every((times) => times === 1)).toBe(true);
  expect(statSync(`${path}-wal`).size).toBeLessThan(WAL_BYTES);
  expect(await client.stats()).toMatchObject({ pendingSteps: 0, claimedSteps: 0, completedSteps: STEPS });
});

/** Made one by one as they are taken. */
function* inputs(): Generator<{ type: 'work'; args: { i: number } }> {
  for (let i = 0; i < STEPS; i++) yield { type: 'work', args: { i } };
}

/** How much of something happens between two turns of the event loop, at most: what others wait for. */
function watchTurns(): { count(): void; stop(): number } {
  let [inThisTurn, most] = [0, 0];
  const look = (): void => {
    most = Math.max(most, inThisTurn);
    inThisTurn = 0;
  };
  let next = setImmediate(function turn() {
    look();
    next = setImmediate(turn);
  });
  return {
    count: () => void inThisTurn++,
    stop: () => {
      clearImmediate(next);
      look();
      return most;
    },
  };
}
