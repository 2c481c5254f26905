/** Which statements are sent again, and for how long, in virtual time. */
import { describe, expect, test } from 'vitest';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { StoreCalls } from '../../../src/store/snowflake/session/store-calls.js';
import { DriverError } from '../../../src/store/snowflake/session/driver-error.js';
import { Secrets } from '../../../src/store/snowflake/session/secrets.js';

const failure = (code: string): DriverError =>
  new DriverError(Object.assign(new Error('the server says no'), { code }), new Secrets());
const BUSY = failure('000625');

/** A session that fails the given number of times, and records when it was called. */
function asking(error: Error, times: number) {
  const runtime = new VirtualRuntime();
  const calls = new StoreCalls(runtime, new Secrets());
  const startedAt = runtime.monotonicMs();
  const asked: number[] = [];
  const session = calls.retryingBusy({
    logins: 1,
    run: async () => {
      asked.push(runtime.monotonicMs() - startedAt);
      if (asked.length <= times) throw error;
      return [];
    },
  });
  const send = () => calls.run(() => session.run('statement'));
  return { runtime, calls, asked, send, run: () => runtime.until(send()) };
}

describe('a statement', () => {
  test('is sent again after a pause if too many others wait for the lock', async () => {
    const { asked, run } = asking(BUSY, 3);
    expect(await run()).toEqual([]);
    expect(asked).toHaveLength(4);
    for (const [i, at] of asked.entries()) if (i > 0) expect(at - asked[i - 1]!).toBeGreaterThanOrEqual(100);
  });

  test.each(['100035', '390100', '604'])('is sent once if it fails otherwise: %s', async (code) => {
    const { asked, run } = asking(failure(code), 1);
    await expect(run()).rejects.toMatchObject({ name: 'StoreError' });
    expect(asked).toHaveLength(1);
  });

  test('fails as busy in the end', async () => {
    const { asked, run } = asking(BUSY, Infinity);
    await expect(run()).rejects.toMatchObject({ code: 'STORE_BUSY', transient: true });
    expect(asked.at(-1)).toBeGreaterThanOrEqual(120_000);
    expect(asked.at(-1)).toBeLessThan(130_000);
  });

  test('is not sent again once the store is closed, which waits for its end', async () => {
    const { runtime, calls, asked, send } = asking(BUSY, Infinity);
    const answer = expect(send()).rejects.toMatchObject({ code: 'STORE_BUSY' });
    await runtime.advance(10);
    expect(asked).toEqual([0]);
    await calls.close(); // in the midst of a pause
    await answer;
    expect(asked.length).toBeLessThanOrEqual(2);
    expect(runtime.pending).toBe(0);
  });
});
