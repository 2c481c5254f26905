import { beforeEach, expect, it } from 'vitest';
import { LeaderFitness } from '../../src/fleet/leader-fitness.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { log } from './support/recorded-events.js';

let runtime: VirtualRuntime;
let fitness: LeaderFitness;

beforeEach(() => {
  runtime = new VirtualRuntime();
  fitness = new LeaderFitness(runtime, { recoveryIntervalMs: 5_000 }, log);
});

async function look(passedMs: number, lostMs: number): Promise<void> {
  await runtime.advance(passedMs);
  fitness.looked({ passedMs, lostMs, windowMs: 15_000 });
}

async function looks(times: number, passedMs: number, lostMs: number): Promise<void> {
  for (let i = 0; i < times; i++) await look(passedMs, lostMs);
}

it('a pod that has lost more than half of a window is not eligible for ten recovery intervals', async () => {
  await looks(3, 4_000, 2_100);
  expect(fitness.eligible).toBe(true);
  await look(4_000, 2_100);
  expect(fitness.eligible).toBe(false);
  await runtime.advance(49_999);
  expect(fitness.eligible).toBe(false);
  await runtime.advance(1);
  expect(fitness.eligible).toBe(true);
});

it('a pod that loses less goes on leading', async () => {
  await looks(100, 4_000, 1_900);
  expect(fitness.eligible).toBe(true);
});

it('a pod that goes on stalling stays ineligible', async () => {
  await looks(4, 4_000, 3_000);
  for (let i = 0; i < 40; i++) {
    expect(fitness.eligible).toBe(false);
    await look(4_000, 3_000);
  }
});

it('one long freeze is not enough', async () => {
  await look(600_000, 598_000);
  await looks(10, 2_000, 0);
  expect(fitness.eligible).toBe(true);
});

it('long freezes again and again are', async () => {
  await looks(3, 14_000, 13_000);
  expect(fitness.eligible).toBe(false);
});

it('what was good long ago does not make up for stalls', async () => {
  await looks(100, 2_000, 0);
  await looks(8, 4_000, 3_000);
  expect(fitness.eligible).toBe(false);
});

it('a window that was good is over: what was lost before does not count with what is lost after', async () => {
  await looks(7, 2_000, 0);
  await look(2_000, 1_900);
  await looks(2, 4_000, 3_000);
  expect(fitness.eligible).toBe(true);
});
