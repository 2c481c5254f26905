import { beforeEach, describe, expect, it } from 'vitest';
import { PeerWatch } from '../../src/fleet/peer-watch.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import type { PodView } from '../../src/store/contract.js';
import { viewOf } from './support/views.js';

const SELF = { podId: 'self', incarnation: 'self' };
const silent = (beat = '1') => viewOf('peer', { beat, silentForMs: 20_000 });

let runtime: VirtualRuntime;
let peers: PeerWatch;
/** With the intervals of `viewOf`. */
const HEARD_WITHIN = 7_750;

/** Passes a view four times a second, the last one a quarter of a second before the end. */
async function watch(view: PodView, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 250) {
    peers.update([view], SELF);
    await runtime.advance(250);
  }
}

const dead = () => peers.dead().map(({ pod }) => pod.incarnation);

beforeEach(() => {
  runtime = new VirtualRuntime();
  peers = new PeerWatch(runtime, { heartbeatIntervalMs: 2_000 });
});

describe('a dead pod', () => {
  it('was watched for as long as a living pod may need to be heard', async () => {
    await watch(silent(), HEARD_WITHIN - 250);
    expect(dead()).toEqual([]);
    await runtime.advance(250);
    peers.update([silent()], SELF);
    expect(peers.dead()).toEqual([{ pod: silent().pod, silentForMs: 20_000, reason: 'silent' }]);
  });

  it('was watched between views; the time since the last one does not count', async () => {
    peers.update([silent()], SELF);
    await runtime.advance(30_000);
    expect(dead()).toEqual([]);
  });

  it('was also watched before it was silent for too long: a new leader need not begin anew', async () => {
    await watch(viewOf('peer', { silentForMs: 14_000 }), HEARD_WITHIN - 250);
    await runtime.advance(250);
    peers.update([viewOf('peer', { silentForMs: 16_000 })], SELF);
    expect(dead()).toEqual(['peer']);
  });

  it('is never one whose beat has moved, whatever the store’s clock says', async () => {
    for (let beat = 1; beat <= 20; beat++) {
      peers.update([silent(String(beat))], SELF);
      await runtime.advance(2_000);
    }
    expect(dead()).toEqual([]);
  });

  it('has been silent for longer than the dead-after that it registered itself', async () => {
    await watch(viewOf('peer', { silentForMs: 20_000, deadAfterMs: 20_000 }), 60_000);
    expect(dead()).toEqual([]);
  });

  it('is judged by its own intervals, not by those of the watching pod', async () => {
    const slow = viewOf('peer', { silentForMs: 50_000, heartbeatMs: 10_000, deadAfterMs: 40_000 });
    await watch(slow, 30_000 - 250);
    expect(dead()).toEqual([]);
    await runtime.advance(250);
    peers.update([slow], SELF);
    expect(dead()).toEqual(['peer']);
  });

  it('is neither asleep nor the watching pod itself', async () => {
    const views = [viewOf('self', { silentForMs: 20_000 }), viewOf('sleeper', { silentForMs: 20_000, asleep: true })];
    for (let i = 0; i < 60; i++) {
      peers.update(views, SELF);
      await runtime.advance(1_000);
    }
    expect(dead()).toEqual([]);
  });
});

describe('a pod whose process has exited', () => {
  const exited = viewOf('peer', { exited: true, silentForMs: 100 });

  it('is dead at the first view, whatever was watched before', () => {
    peers.update([exited], SELF);
    expect(peers.dead()).toEqual([{ pod: exited.pod, silentForMs: 100, reason: 'exited' }]);
    peers.reset();
    expect(dead()).toEqual([]);
    peers.update([exited], SELF);
    expect(dead()).toEqual(['peer']);
  });

  it('is reported to listeners with each view, until it is evicted', () => {
    let calls = 0;
    peers.onExited(() => calls++);
    peers.update([viewOf('peer')], SELF);
    expect(calls).toBe(0);
    peers.update([exited], SELF);
    peers.update([exited], SELF);
    expect(calls).toBe(2);
    peers.evicted([exited.pod]);
    peers.update([exited], SELF);
    expect(calls).toBe(2);
  });

  it('is left alone while it is asleep: it holds nothing', () => {
    peers.update([{ ...exited, asleep: true }], SELF);
    expect(dead()).toEqual([]);
  });
});

describe('a watch that was interrupted', () => {
  it.each([
    ['an outage', () => peers.reset(), 1_000, HEARD_WITHIN + 15_000],
    ['a call that was not answered', () => peers.unanswered(), 1_000, HEARD_WITHIN + 14_250],
    ['a stall', () => peers.interrupt(), 1_000, 14_000],
  ])('gives every pod its whole dead-after to be heard, after %s', async (_, interrupted, beforeMs, restMs) => {
    await watch(silent(), beforeMs);
    interrupted();
    await watch(silent(), restMs - 250);
    expect(dead()).toEqual([]);
    await runtime.advance(250);
    peers.update([silent()], SELF);
    expect(dead()).toEqual(['peer']);
  });

  it('by a stall keeps what was watched before it, and counts one interval of the stall at most', async () => {
    await watch(silent(), 7_000);
    await runtime.advance(60_000);
    peers.update([silent()], SELF); // the stall counts as 2,000 ms
    await watch(silent(), 6_250 - 250); // 6,750 were watched before it
    expect(dead()).toEqual([]);
    await runtime.advance(250);
    peers.update([silent()], SELF);
    expect(dead()).toEqual(['peer']);
  });

  it('by unanswered calls, again and again within the time that living pods need, finds no pod dead', async () => {
    for (let i = 0; i < 100; i++) {
      await watch(silent(), HEARD_WITHIN);
      peers.unanswered();
    }
    expect(dead()).toEqual([]);
  });

  it('by an unanswered call now and then finds the dead later', async () => {
    await watch(silent(), 1_000);
    for (let i = 0; i < 3; i++) {
      peers.unanswered();
      await watch(silent(), HEARD_WITHIN + 5_000);
    }
    peers.update([silent()], SELF);
    expect(dead()).toEqual(['peer']);
  });

  it('may go unnoticed by a pod with rare views: it counts only views of a pod that is silent already', async () => {
    peers = new PeerWatch(runtime, { heartbeatIntervalMs: 10_000 });
    const quick = (silentForMs: number) => viewOf('peer', { silentForMs, deadAfterMs: 6_000 });
    peers.update([quick(1_000)], SELF);
    await runtime.advance(10_000);
    peers.update([quick(11_000)], SELF); // an outage between the two views would look the same
    expect(dead()).toEqual([]);
    await runtime.advance(10_000);
    peers.update([quick(21_000)], SELF);
    expect(dead()).toEqual(['peer']);
  });
});

describe('after an unanswered call', () => {
  it('views count again once a living pod has had time to be heard before them', async () => {
    peers.unanswered();
    const found: number[] = [];
    for (let i = 0; i <= 14; i++) {
      peers.update([silent()], SELF);
      if (dead().length > 0) found.push(runtime.monotonicMs());
      await runtime.advance(2_000);
    }
    // The first that counts is the one after 8,000 > 7,750; eight of them are more than the dead-after.
    expect(found[0]).toBe(8_000 + 8 * 2_000);
  });

  it('a pod whose views could just miss an outage counts none of a peer that was not silent', async () => {
    peers = new PeerWatch(runtime, { heartbeatIntervalMs: 6_000 });
    for (let i = 0; i < 3; i++) {
      peers.update([viewOf('peer', { silentForMs: 10_000 })], SELF);
      await runtime.advance(6_000);
    }
    peers.update([silent()], SELF);
    expect(dead()).toEqual([]);
    peers = new PeerWatch(runtime, { heartbeatIntervalMs: 5_000 }); // three of its intervals fit
    for (let i = 0; i < 3; i++) {
      peers.update([viewOf('peer', { silentForMs: 10_000 })], SELF);
      await runtime.advance(5_000);
    }
    peers.update([silent()], SELF);
    expect(dead()).toEqual(['peer']);
  });
});

it('reports no pod as dead twice, though the last view still shows it', async () => {
  await watch(silent(), HEARD_WITHIN);
  peers.update([silent()], SELF);
  expect(dead()).toEqual(['peer']);
  peers.evicted([silent().pod]);
  expect(dead()).toEqual([]);
  await watch(silent(), 60_000);
  expect(dead()).toEqual([]);
});
