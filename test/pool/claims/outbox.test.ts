/** Outcomes that await their receipts. */
import { beforeEach, expect, test } from 'vitest';
import { TypeHandler } from '../../../src/pool/handlers/type-handler.js';
import { HeldClaim, type EndedHeldClaim } from '../../../src/pool/claims/held-claim.js';
import { isEnded, Outbox, type OutboxEntry } from '../../../src/pool/claims/outbox.js';
import { claimOf, NEXT_LIFE, POD } from '../support/rig.js';

const handler = new TypeHandler({ type: 'it', schema: undefined, run: () => 1 });
function ended(stepId: string, pod = POD): EndedHeldClaim {
  const held: HeldClaim = new HeldClaim(claimOf(stepId, 'it'), pod, handler, 0);
  held.end({ kind: 'cancelled' });
  return held;
}
const idsOf = (entries: readonly OutboxEntry[]) =>
  entries.map((entry) => (isEnded(entry) ? entry.claim : entry.fence).stepId);

let outbox: Outbox;
beforeEach(() => {
  outbox = new Outbox();
});

test('an outcome stays until its receipt, and returns to the front if its exchange failed', () => {
  for (const stepId of ['s1', 's2', 's3']) outbox.add(ended(stepId));
  expect(idsOf(outbox.take(2))).toEqual(['s1', 's2']);
  outbox.add(ended('s4'));
  expect([outbox.size, outbox.awaiting, outbox.empty]).toEqual([2, 4, false]);
  expect(outbox.fences().map(({ stepId }) => stepId)).toEqual(['s1', 's2', 's3', 's4']);
  outbox.keep();
  expect([outbox.size, outbox.awaiting]).toEqual([4, 4]);
  expect(idsOf(outbox.take(10))).toEqual(['s1', 's2', 's3', 's4']);
  expect([outbox.size, outbox.awaiting, outbox.empty]).toEqual([0, 4, false]);
  outbox.sent();
  expect([outbox.awaiting, outbox.empty, outbox.fences()]).toEqual([0, true, []]);
  outbox.keep(); // nothing is under way
  expect(outbox.fences()).toEqual([]);
});

test('a batch belongs to one incarnation', () => {
  outbox.add(ended('s1'));
  outbox.add(ended('s2'));
  outbox.add(ended('s3', NEXT_LIFE));
  outbox.add(ended('s4'));
  const batches: string[][] = [];
  while (outbox.size > 0) batches.push(idsOf(outbox.take(10)));
  expect(batches).toEqual([['s1', 's2'], ['s3'], ['s4']]);
});
