import { beforeEach, describe, expect, it } from 'vitest';
import { Looks } from '../../src/fleet/looks.js';
import { VirtualRuntime } from '../../src/runtime/virtual.js';
import { viewOf } from './support/views.js';

const SELF = { podId: 'self', incarnation: 'self' };
const silent = (beat = '1') => viewOf('peer', { beat, silentForMs: 20_000 });

let runtime: VirtualRuntime;
let looks: Looks;
const dead = () => looks.dead().map(({ pod }) => pod.incarnation);

beforeEach(() => {
  runtime = new VirtualRuntime();
  looks = new Looks(runtime, { heartbeatIntervalMs: 2_000 });
});

describe('who is dead', () => {
  it('needs two looks, one of the pod’s heartbeat intervals apart', async () => {
    looks.see([silent()], SELF);
    expect(dead()).toEqual([]);
    await runtime.advance(1_999);
    looks.see([silent()], SELF);
    expect(dead()).toEqual([]);
    await runtime.advance(1);
    looks.see([silent()], SELF);
    expect(looks.dead()).toEqual([{ pod: silent().pod, silentForMs: 20_000, reason: 'silent' }]);
  });

  it('counts looks, not the time since the last one', async () => {
    looks.see([silent()], SELF);
    await runtime.advance(3_000);
    expect(dead()).toEqual([]);
  });

  it('counts the looks from before it was silent for too long: a new leader need not begin anew', async () => {
    looks.see([viewOf('peer', { silentForMs: 14_000 })], SELF);
    await runtime.advance(2_000);
    looks.see([viewOf('peer', { silentForMs: 16_000 })], SELF);
    expect(dead()).toEqual(['peer']);
  });

  it('is never one whose beat has moved, whatever the store’s clock says', async () => {
    for (const beat of ['1', '2', '3', '4']) {
      looks.see([silent(beat)], SELF);
      await runtime.advance(2_000);
    }
    expect(dead()).toEqual([]);
  });

  it('is nobody that is not silent by the dead-after that it registered itself', async () => {
    const patient = viewOf('peer', { silentForMs: 20_000, deadAfterMs: 20_000 });
    looks.see([patient], SELF);
    await runtime.advance(2_000);
    looks.see([patient], SELF);
    expect(dead()).toEqual([]);
  });

  it('waits for the interval of that pod, not for its own', async () => {
    const slow = viewOf('peer', { silentForMs: 50_000, heartbeatMs: 10_000, deadAfterMs: 40_000 });
    for (let passed = 0; passed < 10_000; passed += 2_000) {
      looks.see([slow], SELF);
      expect(dead()).toEqual([]);
      await runtime.advance(2_000);
    }
    looks.see([slow], SELF);
    expect(dead()).toEqual(['peer']);
  });

  it('is neither who is asleep nor who looks', async () => {
    const views = [viewOf('self', { silentForMs: 20_000 }), viewOf('sleeper', { silentForMs: 20_000, asleep: true })];
    looks.see(views, SELF);
    await runtime.advance(2_000);
    looks.see(views, SELF);
    expect(dead()).toEqual([]);
  });
});

describe('a pod whose process has exited', () => {
  const exited = viewOf('peer', { exited: true, silentForMs: 100 });

  it('is dead at the first look, whatever became of the row of looks', () => {
    looks.see([exited], SELF);
    expect(looks.dead()).toEqual([{ pod: exited.pod, silentForMs: 100, reason: 'exited' }]);
    looks.forget();
    expect(dead()).toEqual([]);
    looks.see([exited], SELF);
    expect(dead()).toEqual(['peer']);
  });

  it('is told to who wants to know, with each look, until it is evicted', () => {
    let told = 0;
    looks.onExited(() => told++);
    looks.see([viewOf('peer')], SELF);
    expect(told).toBe(0);
    looks.see([exited], SELF);
    looks.see([exited], SELF);
    expect(told).toBe(2);
    looks.bury([exited.pod]);
    looks.see([exited], SELF);
    expect(told).toBe(2);
  });

  it('is left alone while it sleeps: it holds nothing', () => {
    looks.see([{ ...exited, asleep: true }], SELF);
    expect(dead()).toEqual([]);
  });
});

describe('a broken row of looks', () => {
  const lookFor = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 1_000) {
      looks.see([silent()], SELF);
      await runtime.advance(1_000);
    }
  };

  it.each(['a gap', 'a fence'])(
    'begins anew after %s: everybody has its whole dead-after to be heard again',
    async (how) => {
      await lookFor(1_000);
      if (how === 'a gap') await runtime.advance(4_001);
      else looks.forget();
      await lookFor(15_000);
      expect(dead()).toEqual([]);
      looks.see([silent()], SELF);
      expect(dead()).toEqual(['peer']);
    },
  );

  it('is not broken by one heartbeat that failed', async () => {
    looks.see([silent()], SELF);
    await runtime.advance(4_000);
    looks.see([silent()], SELF);
    expect(dead()).toEqual(['peer']);
  });

  it('cannot be seen by a pod that looks rarely: it counts only looks at one that is silent already', async () => {
    looks = new Looks(runtime, { heartbeatIntervalMs: 10_000 });
    const quick = (silentForMs: number) => viewOf('peer', { silentForMs, deadAfterMs: 6_000 });
    looks.see([quick(1_000)], SELF);
    await runtime.advance(10_000);
    looks.see([quick(11_000)], SELF); // an outage between the two looks would look just like this
    expect(dead()).toEqual([]);
    await runtime.advance(10_000);
    looks.see([quick(21_000)], SELF);
    expect(dead()).toEqual(['peer']);
  });
});

it('tells nobody twice as dead, though the last look still shows it', async () => {
  looks.see([silent()], SELF);
  await runtime.advance(2_000);
  looks.see([silent()], SELF);
  looks.bury([silent().pod]);
  expect(dead()).toEqual([]);
  await runtime.advance(2_000);
  looks.see([silent()], SELF);
  await runtime.advance(2_000);
  looks.see([silent()], SELF);
  expect(dead()).toEqual([]);
});
