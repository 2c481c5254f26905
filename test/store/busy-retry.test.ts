/** The only database retry. */
import { describe, expect, it } from 'vitest';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { retryWhileBusy, type BusyRetryOptions } from '../../src/store/busy-retry.js';

const busy = new Error('busy');

/** Runs an operation that is BUSY until so many ms have passed; answers when it was tried. */
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
    patienceMs: 60_000,
    giveUp: () => new Error('gave up'),
  };
  const outcome = await runtime.until(
    retryWhileBusy(runtime, operation, { ...options, ...over }).catch((error: unknown) => error),
  );
  const pauses = tries.slice(1).map((at, index) => at - tries[index]!);
  return { outcome, tries, pauses };
}

describe('retryWhileBusy', () => {
  it('does at once what goes through at once', () => {
    let done = false;
    const options = { isBusy: () => true, patienceMs: 1, giveUp: () => busy };
    void retryWhileBusy(new VirtualRuntime(), () => (done = true), options);
    expect(done).toBe(true);
  });

  it('pauses for 1 to 3 ms, as long as it takes less than a second', async () => {
    const { outcome, pauses } = await triedAt(950);
    expect(outcome).toBe('done');
    expect(pauses.length).toBeGreaterThan(300);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(3);
    expect(new Set(pauses).size).toBeGreaterThan(100); // jitter
  });

  it('backs off beyond a second, up to a quarter of one', async () => {
    const { pauses } = await triedAt(20_000);
    expect(Math.max(...pauses)).toBeGreaterThan(100);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(250);
  });

  it('gives up when patience ends', async () => {
    const { outcome, tries } = await triedAt(Infinity, { patienceMs: 500 });
    expect(outcome).toEqual(new Error('gave up'));
    expect(tries.at(-1)).toBe(500);
  });

  it('gives up at once when it is told to', async () => {
    const { tries } = await triedAt(Infinity, { signal: AbortSignal.abort() });
    expect(tries).toEqual([0]);
  });

  it('gives up in the middle of a pause when its signal aborts', async () => {
    const runtime = new VirtualRuntime();
    const closing = new AbortController();
    runtime.after(100, () => closing.abort());
    const startedAt = runtime.monotonicMs();
    const call = retryWhileBusy(runtime, () => Promise.reject(busy), {
      ...{ isBusy: () => true, patienceMs: 60_000, giveUp: () => new Error('gave up'), signal: closing.signal },
      pause: () => 5_000,
    });
    await expect(runtime.until(call)).rejects.toThrow('gave up');
    expect(runtime.monotonicMs() - startedAt).toBe(100);
  });

  it('repeats nothing that is not BUSY', async () => {
    const { outcome, tries } = await triedAt(5, { isBusy: () => false });
    expect(outcome).toBe(busy);
    expect(tries).toEqual([0]);
  });
});
