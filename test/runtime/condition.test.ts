/** Waiting for a condition that somebody else brings about. */
import { beforeEach, expect, test } from 'vitest';
import { Condition } from '../../src/runtime/condition.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';

let runtime: VirtualRuntime;
let condition: Condition;
beforeEach(() => {
  runtime = new VirtualRuntime();
  condition = new Condition(runtime);
});

test('a condition that holds already is not waited for, and leaves no timer', async () => {
  await condition.until(() => true, 1_000);
  expect(runtime.pending).toBe(0);
});

test('a wait ends with the look that finds its condition, which is asked no more after that', async () => {
  let asked = 0;
  let claims = false;
  const wait = condition.until(() => {
    asked++;
    return claims;
  }, 1_000);
  condition.notify();
  claims = true;
  condition.notify();
  await wait;
  condition.notify();
  expect(asked).toBe(3);
  expect(runtime.pending).toBe(0);
});

test('a wait ends when its time is over', async () => {
  let asked = 0;
  const wait = condition.until(() => ++asked === 0, 1_000);
  await runtime.until(wait);
  expect(runtime.monotonicMs()).toBe(1_000);
  condition.notify();
  expect(asked).toBe(1);
});
