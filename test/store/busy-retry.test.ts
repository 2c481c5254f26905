/** When an operation is retried that the database rejects because it is busy. */
import { describe, expect, it } from 'vitest';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { retryWhileBusy, type BusyRetryOptions } from '../../src/store/busy-retry.js';

const busy = new Error('busy');

/** Runs an operation that is busy for the given time; returns when it was tried. */
async function triedAt(busyForMs: number, over: Partial<BusyRetryOptions> = {}) {
  const runtime = new VirtualRuntime();
  const startedAt = runtime.monotonicMs();
  const tries: number[] = [];
  const operation = (): string => {
    tries.push(runtime.monotonicMs() - startedAt);
    if (runtime.monotonicMs() - startedAt < busyForMs) throw busy;
    return 'done';
  };
  const options = {
    isBusy: (error: unknown) => error === busy,
    waitLimitMs: 60_000,
    giveUp: () => new Error('gave up'),
  };
  const outcome = await runtime.until(
    retryWhileBusy(runtime, operation, { ...options, ...over }).catch((error: unknown) => error),
  );
  const pauses = tries.slice(1).map((at, index) => at - tries[index]!);
  return { outcome, tries, pauses };
}

describe('retryWhileBusy', () => {
  it('runs an operation that succeeds at once, without a pause', () => {
    let done = false;
    const options = { isBusy: () => true, waitLimitMs: 1, giveUp: () => busy };
    void retryWhileBusy(new VirtualRuntime(), () => (done = true), options);
    expect(done).toBe(true);
  });

  it('pauses for 1 to 3 ms during the first second', async () => {
    const { outcome, pauses } = await triedAt(950);
    expect(outcome).toBe('done');
    expect(pauses.length).toBeGreaterThan(300);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(3);
    expect(new Set(pauses).size).toBeGreaterThan(100); // jitter
  });

  it('backs off after a second, up to 250 ms', async () => {
    const { pauses } = await triedAt(20_000);
    expect(Math.max(...pauses)).toBeGreaterThan(100);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(250);
  });

  it('gives up when the wait limit is reached', async () => {
    const { outcome, tries } = await triedAt(Infinity, { waitLimitMs: 500 });
    expect(outcome).toEqual(new Error('gave up'));
    expect(tries.at(-1)).toBe(500);
  });

  it('gives up at once if its signal has aborted', async () => {
    const { tries } = await triedAt(Infinity, { signal: AbortSignal.abort() });
    expect(tries).toEqual([0]);
  });

  it('gives up in the middle of a pause when its signal aborts', async () => {
    const runtime = new VirtualRuntime();
    const closing = new AbortController();
    runtime.after(100, () => closing.abort());
    const startedAt = runtime.monotonicMs();
    const call = retryWhileBusy(runtime, () => Promise.reject(busy), {
      ...{ isBusy: () => true, waitLimitMs: 60_000, giveUp: () => new Error('gave up'), signal: closing.signal },
      pause: () => 5_000,
    });
    await expect(runtime.until(call)).rejects.toThrow('gave up');
    expect(runtime.monotonicMs() - startedAt).toBe(100);
  });

  it('does not retry an error that does not mean busy', async () => {
    const { outcome, tries } = await triedAt(5, { isBusy: () => false });
    expect(outcome).toBe(busy);
    expect(tries).toEqual([0]);
  });
});
