import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HeartbeatPace } from '../../src/fleet/heartbeat-pace.js';
import { OwnIncarnation } from '../../src/fleet/own-incarnation.js';
import { SelfFence } from '../../src/fleet/self-fence.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { log, RecordedEvents } from './support/recorded-events.js';

let runtime: VirtualRuntime;
let recorded: RecordedEvents;
let calls: string[];
let fence: SelfFence;

beforeEach(async () => {
  runtime = new VirtualRuntime();
  recorded = new RecordedEvents();
  calls = [];
  fence = new SelfFence({
    runtime,
    pace: new HeartbeatPace({ heartbeatIntervalMs: 2_000, deadAfterMs: 15_000 }),
    identity: new OwnIncarnation(runtime, 'a'),
    pool: {
      halt: () => calls.push('halt'),
      retire: () => calls.push('retire'),
      fence: (final) => calls.push(final ? 'fence permanently' : 'fence'),
    },
    events: recorded.events,
    log,
  });
  await fence.start();
});
afterEach(() => fence.stop());

const reasons = () => recorded.of('pod:fenced').map(({ reason }) => reason);

it('lets nothing proceed before the first answered heartbeat', () => {
  expect(fence.mayProceed()).toBe(false);
  expect(fence.answered(fence.now())).toBe('admitted');
  expect(fence.mayProceed()).toBe(true);
  expect(fence.answered(fence.now())).toBe('confirmed');
});

it('keeps a margin in which a heartbeat may be lost and a freeze go unnoticed', () => {
  expect([fence.marginMs, fence.fenceAfterMs]).toEqual([3_750, 11_250]);
});

describe('silent', () => {
  it('fences the pod a margin before peers may declare it dead, counted from when the answered heartbeat was sent', async () => {
    const sent = fence.now();
    await runtime.advance(1_000);
    fence.answered(sent);
    await runtime.advance(10_249);
    expect(calls).toEqual([]);
    await runtime.advance(1);
    expect(calls).toEqual(['fence']);
    expect(recorded.of('pod:fenced')).toMatchObject([{ podId: 'a', reason: 'silent', recoverable: true }]);
    expect(fence.mayProceed()).toBe(false);
  });

  it('is reported once, and ends only with a heartbeat that was sent after it began', async () => {
    const before = fence.now();
    fence.answered(before);
    await runtime.advance(30_000);
    expect(reasons()).toEqual(['silent']);
    expect(fence.answered(before)).toBe('stale');
    expect(fence.mayProceed()).toBe(false);
    expect(fence.answered(fence.now())).toBe('admitted');
    expect(fence.mayProceed()).toBe(true);
  });
});

describe('frozen', () => {
  beforeEach(() => fence.answered(fence.now()));

  it('stops a stopped process before any timer has fired', async () => {
    await runtime.advance(1_000);
    runtime.freeze();
    await runtime.advance(5_000);
    runtime.thaw();
    expect(fence.mayProceed()).toBe(false); // a continuation that runs first
    expect(calls).toEqual([]); // its caller is the pool itself, in the middle of its work
    await Promise.resolve();
    expect(calls).toEqual(['halt']); // what runs may still be held
    expect(reasons()).toEqual(['frozen']);
    expect(fence.answered(fence.now())).toBe('admitted');
    expect(fence.mayProceed()).toBe(true);
  });

  it('stops a stopped process by its timer if nothing else checks', async () => {
    runtime.freeze();
    await runtime.advance(5_000);
    runtime.thaw();
    await runtime.advance(0);
    expect(reasons()).toEqual(['frozen']);
  });

  it('notices a suspended machine, whose monotonic clock stood still', async () => {
    runtime.freeze('stops');
    await runtime.advance(60_000);
    runtime.thaw();
    expect(fence.mayProceed()).toBe(false);
    await runtime.settle();
    expect(reasons()).toEqual(['frozen']);
  });

  it('aborts what runs at once if the pod is silent by then', async () => {
    runtime.freeze();
    await runtime.advance(11_300);
    runtime.thaw();
    expect(fence.check()).toBe(false);
    expect(calls).toEqual(['fence']);
    expect(reasons()).toEqual(['frozen']);
  });

  it('aborts what runs a margin before peers may declare the pod dead, if no heartbeat is answered', async () => {
    runtime.freeze();
    await runtime.advance(5_000);
    runtime.thaw();
    await runtime.advance(6_249);
    expect(calls).toEqual(['halt']);
    await runtime.advance(1);
    expect(calls).toEqual(['halt', 'fence']);
    expect(reasons()).toEqual(['frozen', 'silent']);
    await runtime.advance(60_000);
    expect(calls).toEqual(['halt', 'fence']);
    expect(fence.answered(fence.now())).toBe('admitted');
  });

  it('ignores a block that is shorter than the margin', async () => {
    runtime.freeze();
    await runtime.advance(3_700);
    runtime.thaw();
    expect(fence.mayProceed()).toBe(true);
    await runtime.advance(1);
    expect(calls).toEqual([]);
  });

  it('costs one heartbeat when the wall clock is set forward by an hour', async () => {
    runtime.shiftWall(3_600_000);
    expect(fence.check()).toBe(false);
    expect(calls).toEqual(['halt']);
    fence.answered(fence.now());
    expect(fence.mayProceed()).toBe(true);
    await runtime.advance(1_000);
    expect(reasons()).toEqual(['frozen']);
  });

  it('costs nothing when the wall clock is set back', async () => {
    runtime.shiftWall(-3_600_000);
    await runtime.advance(1_000);
    fence.answered(fence.now());
    await runtime.advance(1_000);
    expect(fence.mayProceed()).toBe(true);
    expect(calls).toEqual([]);
  });
});

describe('a permanent drain', () => {
  beforeEach(() => fence.answered(fence.now()));

  it('begins once, and the pod still settles', () => {
    fence.drain('superseded');
    fence.drain('outdated');
    expect(calls).toEqual(['retire']);
    expect(recorded.of('pod:fenced')).toMatchObject([{ reason: 'superseded', recoverable: false }]);
    expect([fence.final, fence.reason, fence.mayProceed()]).toEqual([true, 'superseded', true]);
  });

  it('is not undone by silence, but nothing proceeds in it', async () => {
    fence.drain('superseded');
    await runtime.advance(20_000);
    expect(fence.mayProceed()).toBe(false);
    expect(calls).toEqual(['retire', 'fence permanently']); // peers may take what still runs
    expect(reasons()).toEqual(['superseded']);
  });
});

it('calls its listeners at the same time', async () => {
  fence.onFence(() => calls.push('listener'));
  fence.answered(fence.now());
  await runtime.advance(12_000);
  expect(calls).toEqual(['fence', 'listener']);
});
