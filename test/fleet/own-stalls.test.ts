import { beforeEach, describe, expect, it } from 'vitest';
import type { Look } from '../../src/fleet/leader-fitness.js';
import { OwnStalls } from '../../src/fleet/own-stalls.js';
import { sleep } from '../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';

let runtime: VirtualRuntime;
let stalls: OwnStalls;
let calls: string[];
let looks: Look[];

beforeEach(() => {
  runtime = new VirtualRuntime();
  calls = [];
  looks = [];
  stalls = new OwnStalls({
    runtime,
    pace: { intervalMs: 2_000, resendAfterMs: 3_750, deadAfterMs: 15_000 },
    peers: {
      unanswered: () => calls.push('unanswered'),
      interrupt: () => calls.push('interrupt'),
      reset: () => calls.push('reset'),
    },
    fitness: { looked: (look) => looks.push(look) },
  });
});

const during = (forMs: number) => stalls.during(() => sleep(runtime, forMs));

/** The process stands still. */
async function stall(forMs: number): Promise<void> {
  runtime.freeze();
  await runtime.advance(forMs);
  runtime.thaw();
}

/** A heartbeat whose answer takes this long, and that is open while the process stalls. */
async function stalledBeat(answerMs: number, stallMs: number): Promise<void> {
  const beat = during(answerMs);
  await runtime.advance(answerMs / 2);
  await stall(stallMs);
  await runtime.until(beat);
}

describe('a heartbeat that was open for too long', () => {
  it('was unanswered if the pod was awake', async () => {
    await runtime.until(during(1_990));
    expect(calls).toEqual([]);
    await runtime.until(during(2_050));
    expect(calls).toEqual(['unanswered']);
  });

  it('was only interrupted if the pod stood still', async () => {
    await stalledBeat(1_500, 3_000);
    expect(calls).toEqual(['interrupt']);
  });

  it('was unanswered if the pod was awake for too long beside its stall', async () => {
    await stalledBeat(6_000, 2_000);
    expect(calls).toEqual(['unanswered']);
  });

  it('is judged if it fails, too', async () => {
    const failed = stalls.during(async () => {
      await sleep(runtime, 2_500);
      throw new Error('down');
    });
    await expect(runtime.until(failed)).rejects.toThrow('down');
    expect(calls).toEqual(['unanswered']);
    expect(runtime.pending).toBe(0);
  });
});

describe('what a look has lost', () => {
  it('is the time for which the pod stood still while it was open', async () => {
    await stalledBeat(1_000, 3_000);
    expect(looks).toMatchObject([{ passedMs: 3_000 + 500, windowMs: 15_000 }]);
    expect(looks[0]!.lostMs).toBeGreaterThan(2_700); // the stall, less two periods at most
    expect(looks[0]!.lostMs).toBeLessThanOrEqual(3_000);
  });

  it('is the time by which it began late', async () => {
    await runtime.until(during(0));
    stalls.pauses(2_000);
    await stall(5_000);
    await runtime.until(during(100));
    expect(looks[1]).toMatchObject({ passedMs: 5_100, lostMs: 3_000 });
  });

  it('is nothing if the stall ended in time', async () => {
    await runtime.until(during(0));
    expect(stalls.pauses(2_000)).toBe(2_000);
    await stall(1_000);
    await runtime.advance(900); // early, as heartbeats are
    await runtime.until(during(100));
    expect(looks.map(({ lostMs }) => lostMs)).toEqual([0, 0]);
  });
});

describe('a pod that was fenced', () => {
  const fenced = (reason: 'silent' | 'frozen' | 'evicted', silentForMs = 11_250) =>
    stalls.fenced({ reason, silentForMs, fenceAfterMs: 11_250 });

  it('as silent has watched nothing, if it was awake', () => {
    fenced('silent');
    expect(calls).toEqual(['reset']);
  });

  it('as silent was interrupted, if it was silent because it stalled', async () => {
    await stalledBeat(100, 3_000);
    calls = [];
    fenced('silent', 14_000);
    fenced('silent', 14_300);
    expect(calls).toEqual(['interrupt', 'reset']);
  });

  it('as silent was interrupted, if it stalls with a heartbeat open', async () => {
    const beat = during(100);
    await stall(11_250);
    fenced('silent');
    expect(calls).toEqual(['interrupt']);
    await runtime.until(beat);
  });

  it('as silent does not count the stalls before the heartbeat that was answered last', async () => {
    await stalledBeat(100, 3_000);
    await runtime.until(during(0));
    stalls.answered();
    calls = [];
    fenced('silent', 11_260);
    expect(calls).toEqual(['reset']);
  });

  it('as frozen was interrupted; as evicted it has watched nothing', async () => {
    await stalledBeat(100, 3_000);
    calls = [];
    fenced('frozen', 100);
    fenced('evicted', 100);
    expect(calls).toEqual(['interrupt', 'reset']);
  });
});
