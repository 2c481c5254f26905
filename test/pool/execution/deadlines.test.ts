/** One timer for many deadlines. */
import { beforeEach, expect, test } from 'vitest';
import { Deadlines } from '../../../src/pool/execution/deadlines.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';

let runtime: VirtualRuntime;
/** When something was due, and when the next is. */
let fired: number[];
let next: number;
let deadlines: Deadlines;
beforeEach(() => {
  runtime = new VirtualRuntime();
  fired = [];
  next = Infinity;
  deadlines = new Deadlines(runtime, (now) => {
    fired.push(now);
    return next;
  });
});

test('the timer is set to the earliest deadline, in whatever order they come', async () => {
  for (const at of [50, 20, 90, 30]) deadlines.expect(at);
  expect(runtime.pending).toBe(1);
  await runtime.advance(200);
  expect(fired).toEqual([20]);
});

test('after it has fired, the timer is set for the earliest deadline that is left', async () => {
  deadlines.expect(20);
  next = 50;
  await runtime.advance(20);
  next = Infinity;
  await runtime.advance(200);
  expect(fired).toEqual([20, 50]);
  deadlines.expect(300); // also one that is later than all before
  await runtime.advance(100);
  expect(fired).toEqual([20, 50, 300]);
});

test('nothing fires after a stop, and no timer is left', async () => {
  deadlines.expect(20);
  deadlines.stop();
  expect(runtime.pending).toBe(0);
  deadlines.expect(40); // what runs on may set it again
  await runtime.advance(50);
  expect(fired).toEqual([40]);
});
