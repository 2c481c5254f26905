/** Outcomes on their way to the store. */
import { beforeEach, expect, test } from 'vitest';
import { TypeHandler } from '../../../src/pool/handlers/handlers.js';
import { HeldClaim } from '../../../src/pool/claims/held-claim.js';
import { Outbox } from '../../../src/pool/claims/outbox.js';
import { claimOf, NEXT_LIFE, POD } from '../support/rig.js';

const handler = new TypeHandler({ type: 'it', schema: undefined, run: () => 1 });
const held = (stepId: string, pod = POD) => new HeldClaim(claimOf(stepId, 'it'), pod, handler, 0);
const idsOf = (claims: readonly HeldClaim[]) => claims.map(({ claim }) => claim.stepId);

let outbox: Outbox;
beforeEach(() => {
  outbox = new Outbox();
});

test('an outcome is awaited until its receipt, and comes back to the front when its exchange failed', () => {
  for (const stepId of ['s1', 's2', 's3']) outbox.add(held(stepId));
  expect(idsOf(outbox.take(2))).toEqual(['s1', 's2']);
  outbox.add(held('s4'));
  expect([outbox.size, outbox.awaiting, outbox.empty]).toEqual([2, 4, false]);
  expect(idsOf(outbox.all())).toEqual(['s1', 's2', 's3', 's4']);
  outbox.keep();
  expect([outbox.size, outbox.awaiting]).toEqual([4, 4]);
  expect(idsOf(outbox.take(10))).toEqual(['s1', 's2', 's3', 's4']);
  expect([outbox.size, outbox.awaiting, outbox.empty]).toEqual([0, 4, false]);
  outbox.sent();
  expect([outbox.awaiting, outbox.empty, outbox.all()]).toEqual([0, true, []]);
  outbox.keep(); // nothing is under way
  expect(outbox.all()).toEqual([]);
});

test('a batch belongs to one incarnation', () => {
  outbox.add(held('s1'));
  outbox.add(held('s2'));
  outbox.add(held('s3', NEXT_LIFE));
  outbox.add(held('s4'));
  const batches: string[][] = [];
  while (outbox.size > 0) batches.push(idsOf(outbox.take(10)));
  expect(batches).toEqual([['s1', 's2'], ['s3'], ['s4']]);
});
