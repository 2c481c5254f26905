/** How many more claims of a type are useful. */
import { expect, test } from 'vitest';
import { TypeHandler } from '../../../src/pool/handlers/type-handler.js';
import { gate } from '../support/rig.js';

const limited = (concurrency: number) => new TypeHandler({ type: 'it', schema: undefined, run: () => 1, concurrency });

test('a type without a limit can always use more', () => {
  const handler = new TypeHandler({ type: 'it', schema: undefined, run: () => 1 });
  for (let i = 0; i < 1_000; i++) handler.claimQueued();
  expect([handler.room, handler.useful(0)]).toEqual([Infinity, Infinity]);
});

test('a limited type can use what may start now, and what may start within the span', async () => {
  const handler = limited(2);
  expect(handler.useful(100)).toBe(2); // nothing is known of its durations
  handler.took(10);
  expect([handler.useful(0), handler.useful(100)]).toEqual([2, 22]);
  const door = gate();
  const running = handler.limit!(() => door.promise);
  await Promise.resolve();
  expect([handler.room, handler.useful(0), handler.useful(100)]).toEqual([1, 1, 21]);
  door.open();
  await running;
});

test('unstarted claims are subtracted, and lanes with strays do not count', () => {
  const handler = limited(2);
  handler.took(10);
  for (let i = 0; i < 3; i++) handler.claimQueued();
  expect([handler.useful(0), handler.useful(100)]).toEqual([0, 19]);
  handler.strayAdded();
  expect(handler.useful(100)).toBe(9);
});

test('one unusual duration changes the mean little', () => {
  const handler = limited(1);
  for (let i = 0; i < 50; i++) handler.took(10);
  handler.took(60);
  expect(handler.useful(100)).toBe(1 + 5); // a mean of 20
});

test('a type’s own time-out takes precedence over the queue’s, also if it is null', () => {
  const timeoutOf = (own: { readonly timeoutMs?: number | null }, queues?: number) =>
    new TypeHandler({ type: 'it', schema: undefined, run: () => 1, ...own }, queues).timeoutMs;
  expect([timeoutOf({}), timeoutOf({}, 100)]).toEqual([Infinity, 100]);
  expect([timeoutOf({ timeoutMs: 50 }, 100), timeoutOf({ timeoutMs: null }, 100)]).toEqual([50, Infinity]);
});
