/** Waiting for a condition that somebody else brings about. */
import { beforeEach, expect, test } from 'vitest';
import { Patience } from '../../src/runtime/condition.js';
import { VirtualRuntime } from '../../src/runtime/virtual.js';

let runtime: VirtualRuntime;
let patience: Patience;
beforeEach(() => {
  runtime = new VirtualRuntime();
  patience = new Patience(runtime);
});

test('a condition that holds already is not waited for, and leaves no timer', async () => {
  await patience.until(() => true, 1_000);
  expect(runtime.pending).toBe(0);
});

test('a wait ends with the look that finds its condition, which is asked no more after that', async () => {
  let asked = 0;
  let holds = false;
  const wait = patience.until(() => {
    asked++;
    return holds;
  }, 1_000);
  patience.look();
  holds = true;
  patience.look();
  await wait;
  patience.look();
  expect(asked).toBe(3);
  expect(runtime.pending).toBe(0);
});

test('a wait ends when its time is over', async () => {
  let asked = 0;
  const wait = patience.until(() => ++asked === 0, 1_000);
  await runtime.until(wait);
  expect(runtime.monotonicMs()).toBe(1_000);
  patience.look();
  expect(asked).toBe(1);
});
