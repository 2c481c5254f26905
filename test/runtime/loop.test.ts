import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Loop } from '../../src/runtime/loop.js';
import { sleep } from '../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';

let runtime: VirtualRuntime;
let loop: Loop;
let ticks: number[];

/** Starts a loop whose ticks are recorded. */
function run(
  tick: (nth: number) => Promise<number>,
  onError: (error: unknown) => number = () => expect.unreachable(),
): Loop {
  loop = new Loop(
    runtime,
    () => {
      ticks.push(runtime.monotonicMs());
      return tick(ticks.length);
    },
    { onError },
  );
  void loop.start();
  return loop;
}

beforeEach(() => {
  runtime = new VirtualRuntime();
  ticks = [];
});
afterEach(async () => {
  await runtime.until(loop.stop());
  expect(runtime.pending).toBe(0);
});

describe('a loop', () => {
  it('ticks at once, then after the delay that each tick asks for', async () => {
    run(async (nth) => nth * 100);
    await runtime.advance(700);
    expect(ticks).toEqual([0, 100, 300, 600]);
  });

  it('waits for a wake if a tick asks for no next', async () => {
    run(async () => Infinity);
    await runtime.advance(1_000_000);
    expect(ticks).toEqual([0]);
    expect(runtime.pending).toBe(0);
    loop.wake();
    await runtime.settle();
    expect(ticks).toEqual([0, 1_000_000]);
  });

  it('ticks at once when woken, and counts its delay from there', async () => {
    run(async () => 1_000);
    await runtime.advance(300);
    loop.wake();
    await runtime.advance(1_000);
    expect(ticks).toEqual([0, 300, 1_300]);
  });

  it('ticks in the async context of its start, wherever it was made or woken', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const tick = async (): Promise<number> => {
      seen.push(storage.getStore());
      return Infinity;
    };
    storage.run('maker', () => (loop = new Loop(runtime, tick, { onError: () => expect.unreachable() })));
    storage.run('starter', () => void loop.start());
    await runtime.settle();
    storage.run('waker', () => loop.wake());
    await runtime.settle();
    expect(seen).toEqual(['starter', 'starter']);
  });

  it('never runs two ticks at a time, however often it is woken', async () => {
    let now = 0;
    let most = 0;
    run(async () => {
      most = Math.max(most, ++now);
      await sleep(runtime, 10);
      now--;
      return 1_000;
    });
    for (let i = 0; i < 20; i++) {
      loop.wake();
      await runtime.advance(3);
      void loop.start();
    }
    expect(most).toBe(1);
  });

  it('never runs two ticks at a time, also if a tick wakes it before its first await', async () => {
    let under = 0;
    run(async (nth) => {
      expect(++under).toBe(1);
      if (nth === 1) loop.wake();
      await sleep(runtime, 10);
      under--;
      return 100;
    });
    await runtime.advance(115);
    loop.wake();
    await runtime.advance(1);
    expect(ticks).toEqual([0, 10, 115]);
  });

  it('never loses a wake that comes during a tick', async () => {
    run(async () => {
      await sleep(runtime, 50);
      return Infinity;
    });
    await runtime.advance(49);
    loop.wake();
    loop.wake();
    await runtime.advance(51);
    expect(ticks).toEqual([0, 50]);
    await runtime.advance(1_000);
    expect(ticks).toEqual([0, 50]);
  });

  it('never loses a wake, at whichever moment of a tick it comes', async () => {
    let wanted = 0;
    let done = 0;
    run(async () => {
      const seen = wanted;
      for (let i = 0; i < 5; i++) await Promise.resolve();
      done = seen;
      return Infinity;
    });
    for (let microtasks = 0; microtasks < 40; microtasks++) {
      for (let i = 0; i < microtasks; i++) await Promise.resolve();
      wanted++;
      loop.wake();
      if (microtasks % 4 === 0) await runtime.settle();
    }
    await runtime.settle();
    expect(done).toBe(wanted);
  });

  it('never loses a wake after a tick that threw without waiting', async () => {
    run(
      () => {
        throw new Error('at once');
      },
      () => 1_000,
    );
    await runtime.settle();
    loop.wake();
    await runtime.settle();
    expect(ticks).toEqual([0, 0]);
  });

  it('yields to its host between ticks without a pause', async () => {
    let turns = 0;
    let counting = true;
    const count = async (): Promise<void> => {
      while (counting) {
        await new Promise((resolve) => setImmediate(resolve));
        turns++;
      }
    };
    run(async (nth) => (nth < 100 ? 0 : Infinity));
    const counted = count();
    await runtime.settle();
    counting = false;
    await counted;
    expect(ticks).toHaveLength(100);
    expect(turns).toBeGreaterThan(50);
  });

  it('waits for as long as onError returns after a tick that failed', async () => {
    const errors: unknown[] = [];
    run(
      async (nth) => {
        if (nth < 3) throw new Error(`tick ${nth}`);
        return Infinity;
      },
      (error) => {
        errors.push((error as Error).message);
        return 250;
      },
    );
    await runtime.advance(1_000);
    expect(errors).toEqual(['tick 1', 'tick 2']);
    expect(ticks).toEqual([0, 250, 500]);
  });
});

describe('a loop that gathers wakes', () => {
  /** What happened, by turns of the event loop. */
  async function gathering(tick: (nth: number) => number): Promise<void> {
    loop = new Loop(runtime, async () => tick(ticks.push(runtime.monotonicMs())), {
      gathersWakes: true,
      onError: () => expect.unreachable(),
    });
    await loop.start();
  }

  it('ticks once for all wakes of a turn, and not before that turn is over', async () => {
    await gathering(() => Infinity);
    loop.wake();
    loop.wake();
    expect(ticks).toEqual([]);
    await runtime.settle();
    expect(ticks).toEqual([0]);
  });

  it('yields once between ticks that follow each other', async () => {
    let yields = 0;
    const yieldOnce = runtime.yield.bind(runtime);
    runtime.yield = () => {
      yields++;
      return yieldOnce();
    };
    await gathering((nth) => (nth < 3 ? 0 : Infinity));
    await runtime.settle();
    expect([ticks.length, yields]).toEqual([3, 3]);
  });

  it('is not late before its first tick', async () => {
    await runtime.advance(10_000);
    await gathering(() => Infinity);
    expect(loop.overdueMs).toBe(0);
  });

  it('does not tick if it is stopped before its first tick', async () => {
    await gathering(() => Infinity);
    await runtime.until(loop.stop());
    expect(ticks).toEqual([]);
  });
});

describe('stop', () => {
  it('waits for the tick that runs, and no other follows', async () => {
    let finished = false;
    run(async () => {
      await sleep(runtime, 100);
      finished = true;
      return 0;
    });
    await runtime.advance(10);
    loop.wake();
    const stopped = loop.stop();
    expect(loop.running).toBe(false);
    await runtime.until(stopped);
    expect(finished).toBe(true);
    await runtime.advance(1_000);
    expect(ticks).toEqual([0]);
  });

  it('prevents the next tick if it is called between two ticks without a pause', async () => {
    run(async () => 0);
    for (let i = 0; i < 10; i++) await Promise.resolve(); // the tick is over, the loop is yielding
    await loop.stop();
    expect(ticks).toHaveLength(1);
    await runtime.settle();
    expect(ticks).toHaveLength(1);
  });

  it('is idempotent, safe before start, and a wake after it does nothing', async () => {
    loop = new Loop(runtime, () => expect.unreachable(), { onError: () => 0 });
    await loop.stop();
    loop.wake();
    await Promise.all([loop.stop(), loop.stop()]);
    await runtime.advance(10);
  });

  it('can be followed by a start, also while the last tick still runs', async () => {
    let now = 0;
    let most = 0;
    run(async () => {
      most = Math.max(most, ++now);
      await sleep(runtime, 100);
      now--;
      return 1_000;
    });
    await runtime.advance(50);
    void loop.stop();
    await loop.start();
    await runtime.advance(50);
    expect(ticks).toEqual([0, 100]);
    expect(most).toBe(1);
  });
});

describe('overdueMs', () => {
  it('is 0 before start, while waiting, and after stop', async () => {
    run(async () => 1_000);
    await runtime.advance(900);
    expect(loop.overdueMs).toBe(0);
    await loop.stop();
    await runtime.advance(9_000);
    expect(loop.overdueMs).toBe(0);
  });

  it('is how long a tick has been running', async () => {
    run(async () => {
      await sleep(runtime, 5_000);
      return 0;
    });
    await runtime.advance(1_234);
    expect(loop.overdueMs).toBe(1_234);
  });

  it('begins when a tick has used up the time that it gave itself', async () => {
    run(async () => {
      loop.grant(3_000);
      await sleep(runtime, 5_000);
      loop.grant(0);
      await sleep(runtime, 5_000);
      return 0;
    });
    await runtime.advance(3_000);
    expect(loop.overdueMs).toBe(0);
    await runtime.advance(1_500);
    expect(loop.overdueMs).toBe(1_500);
    await runtime.advance(1_500);
    expect(loop.overdueMs).toBe(1_000);
  });

  it('is how long its timer has been due', async () => {
    const pod = runtime.fork();
    loop = new Loop(pod, async () => 100, { onError: () => 0 });
    await loop.start();
    await runtime.advance(50);
    pod.freeze();
    await runtime.advance(1_000);
    expect(loop.overdueMs).toBe(950);
    pod.thaw();
    await runtime.advance(0);
    expect(loop.overdueMs).toBe(0);
  });
});
