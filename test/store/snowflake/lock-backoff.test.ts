/** Statements that could not get a lock: when they are sent again, in virtual time, and the wait for a lock, on the test bed. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { sleep } from '../../../src/runtime/runtime.js';
import { StoreCalls } from '../../../src/store/snowflake/session/store-calls.js';
import { DriverError } from '../../../src/store/snowflake/session/driver-error.js';
import { Secrets } from '../../../src/store/snowflake/session/secrets.js';
import { sessionSettings } from '../../../src/store/snowflake/session/statements.js';
import { newSteps } from '../../conformance/harness.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { refusals, type Refusal } from '../../support/warehouse/wire-replies.js';
import { claimed, joined, useStores } from './support/stores.js';

const secrets = new Secrets();
const WAITERS = refusals.tooManyWaiters('T', 20);

/** A pod whose statements are refused the given number of times, and then take the given time. */
function pod() {
  const runtime = new VirtualRuntime();
  const calls = new StoreCalls(runtime, secrets);
  let [tookMs, refused, refusal] = [0, 0, WAITERS];
  let at: number[] = [];
  const session = calls.retryingBusy({
    logins: 1,
    run: async () => {
      at.push(runtime.monotonicMs());
      if (refused-- > 0)
        throw new DriverError(Object.assign(new Error(refusal.message), { code: refusal.code }), secrets);
      await sleep(runtime, tookMs);
      return [];
    },
  });
  return {
    /** Answers the pauses between the tries. */
    async run(text: string, over: { readonly tookMs?: number; readonly refused?: number; readonly by?: Refusal } = {}) {
      [tookMs, refused, refusal, at] = [over.tookMs ?? 0, over.refused ?? 0, over.by ?? WAITERS, []];
      const outcome = await runtime.until(calls.run(() => session.run(text)).catch((error: unknown) => error));
      return { outcome, pauses: at.slice(1).map((instant, i) => instant - at[i]!), took: at.at(-1)! - at[0]! };
    },
  };
}

describe('a statement that is turned away', () => {
  test('is sent again after the time of an UPDATE, which is estimated until one was measured', async () => {
    const { run } = pod();
    const { pauses } = await run('UPDATE t', { refused: 1 });
    expect(pauses[0]).toBeGreaterThanOrEqual(500);
    expect(pauses[0]).toBeLessThan(1_000);
  });

  test.each(['UPDATE t', 'INSERT INTO t', 'DELETE FROM t'])(
    'is sent again after the shortest of the last UPDATEs, for the longer ones have waited: %s',
    async (text) => {
      const { run } = pod();
      for (const tookMs of [9_000, 2_000, 12_000]) await run('UPDATE t', { tookMs });
      await run('INSERT INTO t', { tookMs: 10 });
      const { pauses } = await run(text, { refused: 1 });
      expect(pauses[0]).toBeGreaterThanOrEqual(2_000);
      expect(pauses[0]).toBeLessThan(4_000);
    },
  );

  test('is not measured by UPDATEs of long ago', async () => {
    const { run } = pod();
    await run('UPDATE t', { tookMs: 300 });
    for (let i = 0; i < 8; i++) await run('UPDATE t', { tookMs: 3_000 });
    expect((await run('UPDATE t', { refused: 1 })).pauses[0]).toBeGreaterThanOrEqual(3_000);
  });

  test.each([
    ['too many waited', WAITERS],
    ['the wait took too long', refusals.lockTimeout('T')],
    ['of a deadlock', refusals.deadlock('T')],
  ])('waits twice as long each time, up to half a minute, because %s', async (_, by) => {
    const { run } = pod();
    await run('UPDATE t', { tookMs: 1_000 });
    const { outcome, pauses } = await run('INSERT INTO t', { refused: 6, by });
    expect(outcome).toEqual([]);
    for (const [i, pause] of pauses.entries()) {
      const least = Math.min(15_000, 1_000 * 2 ** i);
      expect(pause).toBeGreaterThanOrEqual(least);
      expect(pause).toBeLessThan(2 * least);
    }
    expect(new Set(pauses.map((pause, i) => pause / Math.min(15_000, 1_000 * 2 ** i))).size).toBe(6); // jitter
  });

  test('fails with STORE_BUSY after two minutes', async () => {
    const { outcome, took } = await pod().run('UPDATE t', { refused: Infinity });
    expect(outcome).toMatchObject({ code: 'STORE_BUSY', transient: true });
    expect(took).toBe(120_000);
  });
});

describe('LOCK_TIMEOUT', () => {
  const settings = (seconds: number) => {
    const set = Object.fromEntries(
      [...sessionSettings('x', seconds).matchAll(/(\w+) = (\d+)/g)].map(([, name, value]) => [name, Number(value)]),
    );
    return { lock: set.LOCK_TIMEOUT!, statement: set.STATEMENT_TIMEOUT_IN_SECONDS! };
  };

  test('outlasts twenty UPDATEs of two seconds, and leaves a quarter of the statement for its own work', () => {
    const { lock, statement } = settings(60);
    expect(statement).toBe(60);
    expect(lock).toBeGreaterThanOrEqual(20 * 2);
    expect(statement - lock).toBeGreaterThanOrEqual(15);
  });

  test.each([1, 2, 3, 10, 3_600])('is below the time-out of a statement of %i s', (seconds) => {
    const { lock, statement } = settings(seconds);
    expect(lock).toBeLessThan(statement);
  });
});

describeOnTestBed('a full queue for a lock', { timeout: 60_000 }, () => {
  const { bed, open, hold, byHand } = useStores();

  test('waits until the lock time-out, which is back-pressure, and refuses one more at once', async () => {
    const [store, driver] = [await open(), await byHand()];
    const pod = await joined(store);
    await store.submit(newSteps(1));
    await claimed(store, pod); // the emulator knows the statements from here on
    await store.submit(newSteps(1));
    const { locks, suspension } = bed().proxy;
    suspension.configure({ secondMs: 40 });
    onTestFinished(() => suspension.configure({ secondMs: 1_000 }));
    // One holds it, nineteen wait, and the store is the twentieth.
    const holders = Array.from({ length: 20 }, () => hold('STEP_TRACKER'));
    const claims = claimed(store, pod);
    await expect.poll(() => locks.waiting(), { timeout: 10_000 }).toBe(20);
    const oneMore = driver.run('UPDATE STEP_TRACKER SET version = 0 WHERE FALSE');
    await expect(oneMore).rejects.toMatchObject({ code: '000625' });
    bed().meter.reset();
    const updates = () => bed().meter.readings.filter(({ kind }) => kind === 'update');
    await expect.poll(() => updates()[0], { timeout: 20_000 }).toMatchObject({ code: '000625' });
    expect(updates()[0]!.lockWaitMs).toBeGreaterThanOrEqual(45 * 40 - 50);
    for (const holder of holders) (await holder)();
    expect(await claims).toHaveLength(1);
    expect(updates().map(({ code }) => code)).not.toContain('000630');
  });
});
