/** Waiting for a condition that other code changes. */
import { beforeEach, expect, test } from 'vitest';
import { Condition } from '../../src/runtime/condition.js';
import { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';

let runtime: VirtualRuntime;
let condition: Condition;
beforeEach(() => {
  runtime = new VirtualRuntime();
  condition = new Condition(runtime);
});

test('does not wait for a condition that holds already, and leaves no timer', async () => {
  await condition.until(() => true, 1_000);
  expect(runtime.pending).toBe(0);
});

test('ends with the notification after which the condition holds, and checks no more', async () => {
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

test('ends when its time is over', async () => {
  let asked = 0;
  const wait = condition.until(() => ++asked === 0, 1_000);
  await runtime.until(wait);
  expect(runtime.monotonicMs()).toBe(1_000);
  condition.notify();
  expect(asked).toBe(1);
});
