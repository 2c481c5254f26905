import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from 'vitest';
import { sleep } from '../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';

describe('time', () => {
  it('moves only when it is advanced', async () => {
    const runtime = new VirtualRuntime({ wallMs: 1_000 });
    await runtime.yield();
    expect([runtime.wallMs(), runtime.monotonicMs()]).toEqual([1_000, 0]);
    await runtime.advance(250.5);
    expect([runtime.wallMs(), runtime.monotonicMs()]).toEqual([1_250, 250.5]);
  });

  it('fires timers by due time, then in the order in which they were set, each at its own instant', async () => {
    const runtime = new VirtualRuntime();
    const fired: string[] = [];
    const set = (name: string, delayMs: number) =>
      runtime.after(delayMs, () => fired.push(`${name}@${runtime.monotonicMs()}`));
    set('c', 30);
    set('a', 10);
    set('b1', 20);
    set('b2', 20);
    set('later', 101);
    await runtime.advance(100);
    expect(fired).toEqual(['a@10', 'b1@20', 'b2@20', 'c@30']);
    expect(runtime.pending).toBe(1);
  });

  it('moves with every timer that takes time, however short, so no wait for an instant lasts for ever', async () => {
    const world = new VirtualRuntime();
    const machine = world.fork();
    machine.freeze('stops'); // its clock and the world's then round differently
    await world.advance(4_000);
    machine.thaw();
    await world.advance(62_332.498); // the world's time is above 2^16 ms, and the machine's below
    const instant = machine.monotonicMs() + 2 ** -37; // the next number
    let waits = 0;
    const wait = (): void => {
      if (machine.monotonicMs() < instant && ++waits < 100) machine.after(instant - machine.monotonicMs(), wait);
    };
    wait();
    await world.advance(1);
    expect(waits).toBe(1);
    expect(machine.monotonicMs()).toBeGreaterThan(instant);
  });

  it('lets promise chains and yields settle between two timers', async () => {
    const runtime = new VirtualRuntime();
    const happened: string[] = [];
    runtime.after(10, () => {
      void (async () => {
        for (let i = 0; i < 50; i++) await Promise.resolve();
        for (let i = 0; i < 50; i++) await runtime.yield();
        happened.push(`chain@${runtime.monotonicMs()}`);
      })();
    });
    runtime.after(11, () => happened.push('next'));
    await runtime.advance(11);
    expect(happened).toEqual(['chain@10', 'next']);
  });

  it('fires timers that were set while it advanced, if they are due', async () => {
    const runtime = new VirtualRuntime();
    let ticks = 0;
    const tick = (): void => {
      ticks++;
      runtime.after(10, tick);
    };
    runtime.after(10, tick);
    await runtime.advance(1_000);
    expect(ticks).toBe(100);
  });

  it('runs a sleep', async () => {
    const runtime = new VirtualRuntime();
    let awake = false;
    void sleep(runtime, 500).then(() => (awake = true));
    await runtime.advance(499);
    expect(awake).toBe(false);
    await runtime.advance(1);
    expect(awake).toBe(true);
  });

  it('drops a cancelled timer, and ignores a second cancel', async () => {
    const runtime = new VirtualRuntime();
    const timer = runtime.after(5, () => expect.unreachable());
    expect(runtime.pending).toBe(1);
    timer.cancel();
    timer.cancel();
    await runtime.advance(10);
    expect(runtime.pending).toBe(0);
  });

  it('runs until a promise has settled, up to the limit', async () => {
    const runtime = new VirtualRuntime();
    const slept = sleep(runtime, 5_000).then(() => 'slept');
    expect(await runtime.until(slept)).toBe('slept');
    expect(runtime.monotonicMs()).toBe(5_000);
    runtime.after(50, () => {});
    runtime.after(2_000, () => {});
    await expect(runtime.until(new Promise(() => {}), 100)).rejects.toThrow('not settled after 100 ms');
    await expect(runtime.until(Promise.reject(new Error('as it came')))).rejects.toThrow('as it came');
  });

  it('rejects a second call that moves it, and reports an endless loop', async () => {
    const runtime = new VirtualRuntime();
    const first = runtime.advance(1);
    await expect(runtime.advance(1)).rejects.toThrow('another call moves the clock');
    await first;
    let spinning = true;
    void (async () => {
      while (spinning) await runtime.yield();
    })();
    await expect(runtime.advance(1)).rejects.toThrow('endless loop');
    spinning = false;
  });
});

describe('clocks', () => {
  it('steps only the wall clock', async () => {
    const runtime = new VirtualRuntime({ wallMs: 10_000 });
    runtime.shiftWall(-4_000);
    await runtime.advance(5);
    expect([runtime.wallMs(), runtime.monotonicMs()]).toEqual([6_005, 5]);
  });

  it('suspends: the wall clock runs ahead, the monotonic clock and the timers stand still', async () => {
    const runtime = new VirtualRuntime({ wallMs: 0 });
    let fired = false;
    runtime.after(10, () => (fired = true));
    runtime.suspend(60_000);
    await runtime.settle();
    expect([runtime.wallMs(), runtime.monotonicMs(), fired]).toEqual([60_000, 0, false]);
    await runtime.advance(10);
    expect(fired).toBe(true);
  });
});

describe('a wall clock that drifts', () => {
  it('runs faster or slower than time, and goes on from where it is when its speed changes', async () => {
    const runtime = new VirtualRuntime({ wallMs: 0 });
    await runtime.advance(1_000);
    runtime.drift(100);
    expect(runtime.wallMs()).toBe(1_000);
    await runtime.advance(1_000);
    expect(runtime.wallMs()).toBe(2_100);
    runtime.drift(-500);
    await runtime.advance(1_000);
    expect(runtime.wallMs()).toBe(2_600);
    runtime.drift(0);
    await runtime.advance(1_000);
    expect([runtime.wallMs(), runtime.monotonicMs()]).toEqual([3_600, 4_000]);
  });

  it('is that of one machine, and moves no timer', async () => {
    const world = new VirtualRuntime({ wallMs: 0 });
    const machine = world.fork();
    const fired: number[] = [];
    machine.drift(50);
    machine.after(1_000, () => fired.push(world.wallMs()));
    await world.advance(2_000);
    expect(fired).toEqual([1_000]);
    expect([machine.wallMs(), world.wallMs()]).toEqual([2_100, 2_000]);
  });
});

describe('a machine that was removed', () => {
  it('fires no timer, takes none, and does not go on after a yield; its world goes on', async () => {
    const world = new VirtualRuntime();
    const machine = world.fork();
    const happened: string[] = [];
    machine.after(10, () => happened.push('timer'));
    machine.after(10, () => {
      void (async () => {
        await machine.yield();
        happened.push('after the yield');
      })();
      machine.remove();
      machine.after(0, () => happened.push('late timer'));
      machine.after(1, () => {}).cancel();
      void machine.yield().then(() => happened.push('late yield'));
    });
    const dropped = machine.after(20, () => happened.push('later timer'));
    world.after(30, () => happened.push('world'));
    await world.advance(100);
    expect(happened).toEqual(['timer', 'world']);
    dropped.cancel();
    expect([machine.pending, world.pending, machine.monotonicMs()]).toEqual([0, 0, 100]);
  });

  it('stays removed, even if it was frozen', async () => {
    const world = new VirtualRuntime();
    const machine = world.fork();
    machine.after(10, () => expect.unreachable());
    machine.freeze();
    await world.advance(20);
    machine.remove();
    machine.thaw();
    await world.advance(20);
    expect(machine.pending).toBe(0);
  });
});

describe('machines of one world', () => {
  it('share the time and nothing else', async () => {
    const one = new VirtualRuntime();
    const two = one.fork();
    const fired: string[] = [];
    two.after(20, () => fired.push('two'));
    one.after(20, () => fired.push('one'));
    two.shiftWall(1_000);
    await one.advance(20);
    expect(fired).toEqual(['two', 'one']);
    expect(two.monotonicMs()).toBe(20);
    expect(two.wallMs() - one.wallMs()).toBe(1_000);
    expect(two.random()).not.toBe(one.random());
  });

  it('fire late what was due while their process was stopped', async () => {
    const world = new VirtualRuntime();
    const pod = world.fork();
    const fired: number[] = [];
    pod.after(10, () => fired.push(pod.monotonicMs()));
    pod.freeze();
    await world.advance(1_000);
    expect(fired).toEqual([]);
    pod.thaw();
    await world.advance(0);
    expect(fired).toEqual([1_000]);
  });

  it('go on where they were after they slept, under a wall clock that ran on', async () => {
    const world = new VirtualRuntime();
    const pod = world.fork();
    const fired: number[] = [];
    pod.after(10, () => fired.push(pod.monotonicMs()));
    await world.advance(4);
    pod.freeze('stops');
    await world.advance(1_000);
    pod.thaw();
    await world.advance(5);
    expect(fired).toEqual([]);
    await world.advance(1);
    expect(fired).toEqual([10]);
    expect(pod.wallMs()).toBe(world.wallMs());
  });
});

describe('timers of frozen machines', () => {
  it('can be cancelled and set, and fire in the order of their times', async () => {
    const world = new VirtualRuntime();
    const pod = world.fork();
    const fired: string[] = [];
    const dropped = pod.after(10, () => expect.unreachable());
    pod.after(20, () => fired.push('first'));
    pod.freeze();
    await world.advance(15);
    dropped.cancel();
    dropped.cancel();
    expect(pod.pending).toBe(1);
    pod.after(1, () => fired.push('due at 16'));
    await world.advance(100);
    pod.thaw();
    world.after(0, () => fired.push('of the world'));
    await world.advance(0);
    expect(fired).toEqual(['due at 16', 'first', 'of the world']);
    expect(pod.pending).toBe(0);
  });

  it('are later by as long as their machine slept, and those of others are not', async () => {
    const world = new VirtualRuntime();
    const [sleeper, other] = [world.fork(), world.fork()];
    const fired: string[] = [];
    const set = (machine: VirtualRuntime, name: string, delayMs: number) =>
      machine.after(delayMs, () => fired.push(`${name}@${world.monotonicMs()}`));
    for (const delayMs of [10, 60, 70]) set(sleeper, 'sleeper', delayMs);
    for (const delayMs of [20, 40, 110]) set(other, 'other', delayMs);
    sleeper.freeze('stops');
    await world.advance(50);
    sleeper.thaw();
    await world.advance(100);
    expect(fired).toEqual(['other@20', 'other@40', 'sleeper@60', 'sleeper@110', 'other@110', 'sleeper@120']);
  });
});

it('fires a timer in the async context in which it was set', async () => {
  const runtime = new VirtualRuntime();
  const storage = new AsyncLocalStorage<string>();
  const seen: (string | undefined)[] = [];
  storage.run('setter', () => runtime.after(1, () => seen.push(storage.getStore())));
  await storage.run('mover', () => runtime.advance(1));
  expect(seen).toEqual(['setter']);
});

it('passes on what a timer throws to the caller that moves time', async () => {
  const runtime = new VirtualRuntime();
  runtime.after(1, () => {
    throw new Error('from the timer');
  });
  await expect(runtime.advance(5)).rejects.toThrow('from the timer');
  await runtime.advance(5);
});

describe('randomness', () => {
  it('is the same for the same seed, and different for another', () => {
    const draw = (seed: number) => {
      const runtime = new VirtualRuntime({ seed });
      return [runtime.random(), runtime.random(), runtime.uuid(), runtime.uuid()];
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('is the same however many ids are made meanwhile', () => {
    const draw = (ids: number) => {
      const runtime = new VirtualRuntime();
      return Array.from({ length: 10 }, () => {
        for (let i = 0; i < ids; i++) runtime.uuid();
        return runtime.random();
      });
    };
    expect(draw(3)).toEqual(draw(0));
  });

  it('is spread evenly between 0 and 1', () => {
    const runtime = new VirtualRuntime({ seed: 42 });
    const tenths = Array<number>(10).fill(0);
    for (let i = 0; i < 10_000; i++) tenths[Math.floor(runtime.random() * 10)]!++;
    for (const count of tenths) expect(count).toBeGreaterThan(850);
  });

  it('makes ids that are valid, distinct and in order', async () => {
    const runtime = new VirtualRuntime();
    const ids: string[] = [];
    for (let i = 0; i < 50; i++) {
      ids.push(runtime.uuid(), runtime.uuid());
      await runtime.advance(i % 3);
    }
    expect(new Set(ids).size).toBe(100);
    expect([...ids].sort()).toEqual(ids);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
