/** A claim, and what its handler sees of it. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { TypeHandler } from '../../../src/pool/handlers/type-handler.js';
import { HeldClaim } from '../../../src/pool/claims/held-claim.js';
import { claimOf, POD } from '../support/rig.js';

const handler = new TypeHandler({ type: 'it', schema: undefined, run: () => 1 });
const heldClaim = (payload = '{}') => new HeldClaim(claimOf('s1', 'it', { payload }), POD, handler, 0);

test.each([true, false])('only the first abort counts (signal read before it: %s)', (before) => {
  const held = heldClaim();
  if (before) expect(held.signal.aborted).toBe(false);
  held.abort('cancelled');
  held.abort('lost');
  expect(held.aborted).toBe('cancelled');
  expect(held.signal.aborted).toBe(true);
  expect(held.signal.reason).toMatchObject({ code: 'STEP_CANCELLED' });
  expect(held.abortReason).toBe(held.signal.reason);
});

test('a payload that can be changed is decoded for each reader', () => {
  const held = heldClaim('{"args":{"list":[1]},"metadata":{}}');
  (held.readPayload().args as { list: number[] }).list.push(2);
  expect(held.readPayload().args).toEqual({ list: [1] });
});

test('what a listener of the signal does to its async context ends with it', () => {
  const storage = new AsyncLocalStorage<string>();
  const held = heldClaim();
  held.signal.addEventListener('abort', () => storage.enterWith('of the handler'));
  held.abort('cancelled');
  expect(storage.getStore()).toBeUndefined();
});

test('the steps that its handler has submitted are remembered, the latest 10,000', () => {
  const held = heldClaim();
  expect(held.hasChild('0')).toBe(false);
  for (let i = 0; i <= 10_000; i++) held.addChild(`${i}`);
  held.addChild('10000');
  expect(['0', '1', '10000', '10001'].map((id) => held.hasChild(id))).toEqual([false, true, true, false]);
});
