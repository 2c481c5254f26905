import { execFile } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createUuidV7, MAX_DELAY_MS, sleep, systemRuntime } from '../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';

const V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('uuid', () => {
  it('is of version 7, and contains the time', () => {
    const uuid = createUuidV7(
      () => 0x0123_4567_89ab,
      () => 0xff,
    )();
    expect(uuid).toMatch(V7);
    expect(uuid).toMatch(/^01234567-89ab-7/);
  });

  it('sorts by the order of creation, also within a millisecond and beyond its counter', () => {
    const uuid = createUuidV7(
      () => 1_000,
      () => 0x7f,
    );
    const made = Array.from({ length: 10_000 }, uuid);
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(made.length);
    for (const id of made) expect(id).toMatch(V7);
  });

  it('does not go back with the clock', () => {
    let now = 5_000;
    const uuid = createUuidV7(
      () => now,
      () => 0,
    );
    const made = [uuid()];
    for (const next of [4_000, 10, 5_000, 5_001, 4_999, 6_000]) {
      now = next;
      made.push(uuid());
    }
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(made.length);
  });

  it('of the system never repeats', () => {
    const made = Array.from({ length: 20_000 }, () => systemRuntime.uuid());
    expect(new Set(made).size).toBe(made.length);
    expect([...made].sort()).toEqual(made);
  });
});

describe('sleep', () => {
  it('ends after its delay, and leaves nothing behind', async () => {
    const runtime = new VirtualRuntime();
    const controller = new AbortController();
    let done = false;
    void sleep(runtime, 100, controller.signal).then(() => (done = true));
    await runtime.advance(99);
    expect(done).toBe(false);
    await runtime.advance(1);
    expect([done, runtime.pending]).toEqual([true, 0]);
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    controller.abort(); // too late to matter
  });

  it('ends at once when its signal aborts, and leaves no timer', async () => {
    const runtime = new VirtualRuntime();
    const controller = new AbortController();
    const slept = sleep(runtime, 100, controller.signal);
    expect(runtime.pending).toBe(1);
    controller.abort();
    await slept;
    expect([runtime.pending, runtime.monotonicMs()]).toEqual([0, 0]);
  });

  it('does not begin under a signal that has aborted', async () => {
    const runtime = new VirtualRuntime();
    await sleep(runtime, 100, AbortSignal.abort());
    expect(runtime.pending).toBe(0);
  });
});

describe('the system', () => {
  it('reads the time, draws random numbers, and yields', async () => {
    expect(Math.abs(systemRuntime.wallMs() - Date.now())).toBeLessThan(1_000);
    const before = systemRuntime.monotonicMs();
    await systemRuntime.yield();
    expect(systemRuntime.monotonicMs()).toBeGreaterThanOrEqual(before);
    expect(systemRuntime.random()).toBeLessThan(1);
  });

  it('yields to pending I/O and timers, not only to promises', async () => {
    const happened: string[] = [];
    setImmediate(() => happened.push('turn'));
    await Promise.resolve();
    await systemRuntime.yield();
    expect(happened).toEqual(['turn']);
  });

  it('reads the monotonic clock of the host, which all its processes share', () => {
    const hostMs = (): number => Number(process.hrtime.bigint()) / 1e6;
    const before = hostMs();
    const read = systemRuntime.monotonicMs();
    const after = hostMs();
    // The thread's own clock was tied to the host's once, between two readings.
    expect(read).toBeGreaterThan(before - 1_000);
    expect(read).toBeLessThan(after + 1_000);
  });

  it('measures time since a start that all processes of the host share', async () => {
    const program = `import('./src/runtime/runtime.ts').then((r) => console.log(r.systemRuntime.monotonicMs()))`;
    const cwd = fileURLToPath(new URL('../../', import.meta.url));
    const before = systemRuntime.monotonicMs();
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '--eval', program], { cwd });
    expect(Number(stdout)).toBeGreaterThan(before);
    expect(Number(stdout)).toBeLessThan(systemRuntime.monotonicMs());
  });

  it('keeps the process alive by its timers, except those with ref false', () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    const [holding, free] = [true, false].map((ref) => systemRuntime.after(60_000, () => undefined, { ref }));
    const held = timers();
    holding?.cancel();
    free?.cancel();
    expect(held - before).toBe(1);
  });

  it('fires a timer once, and a delay below 0 at once', async () => {
    let fired = 0;
    await new Promise<void>((resolve) => {
      systemRuntime.after(-5, () => {
        fired++;
        resolve();
      });
    });
    expect(fired).toBe(1);
  });

  it('accepts a delay longer than timers allow, and does not fire at once', async () => {
    let fired = false;
    const timers = [MAX_DELAY_MS * 2, Infinity].map((delayMs) =>
      systemRuntime.after(delayMs, () => (fired = true), { ref: false }),
    );
    await systemRuntime.yield();
    await sleep(systemRuntime, 5);
    expect(fired).toBe(false);
    for (const timer of timers) timer.cancel();
  });
});
