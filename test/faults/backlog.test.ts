/**
 * A large backlog: submitting it does not block the host, the -wal does not grow with it, and the pod that works it off
 * never holds more steps than it may.
 *
 * It has 100,000 steps, so that it can be part of every run. `BACKLOG=1000000` takes about a minute. The title of the test
 * has the number.
 */
import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { WORKER_URL } from '../store/sqlite/support/files.js';
import { newQueue, QUICK, stopped, temporaryPath } from '../support/queues.js';

const STEPS = Number(process.env['BACKLOG'] ?? 100_000);
const TIMEOUT = 60_000 + STEPS;
/** The largest number of steps in one commit. */
const CHUNK = 500;
const MAX_PREFETCH = 500;
/** The largest number of steps that one exchange settles or claims. */
const BATCH = 1_000;
/** The -wal starts again at 16 MB if there is no reader. It may exceed that by what is written meanwhile. */
const WAL_BYTES = 64 * 1024 * 1024;
/** A step takes more in the file. */
const LEAST_BYTES = 100;

test(
  `${STEPS} steps that are submitted while no pod works block no host and are all run`,
  { timeout: TIMEOUT },
  async () => {
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
  },
);

/** Made one by one as they are taken. */
function* inputs(): Generator<{ type: 'work'; args: { i: number } }> {
  for (let i = 0; i < STEPS; i++) yield { type: 'work', args: { i } };
}

/** The largest amount of work between two turns of the event loop: what other code waits for. */
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
