/** From what a handler did to the outcome of its claim. */
import { describe, expect, test } from 'vitest';
import { StoppedError } from '../../../src/errors.js';
import { TypeHandler } from '../../../src/pool/handlers/type-handler.js';
import { HeldClaim, type AbortCause } from '../../../src/pool/claims/held-claim.js';
import { returnedOutcome, thrownOutcome } from '../../../src/pool/execution/decide-outcome.js';
import { claimOf, POD } from '../support/rig.js';

const handler = new TypeHandler({ type: 'it', schema: undefined, timeoutMs: 50, run: () => 1 });

function held(given: { readonly aborted?: AbortCause; readonly releaseDelayMs?: number } = {}): HeldClaim {
  const held = new HeldClaim(claimOf('s1', 'it'), POD, handler, 0);
  if (given.aborted !== undefined) held.abort(given.aborted);
  if (given.releaseDelayMs !== undefined) held.release(given.releaseDelayMs);
  return held;
}

const returned = (held: HeldClaim, value: unknown) => returnedOutcome(held, value, 1_000);

describe('what was cancelled is cancelled', () => {
  test.each([undefined, 1])('also if the handler returns %s', (value) => {
    expect(returned(held({ aborted: 'cancelled' }), value)).toEqual({ kind: 'cancelled' });
  });

  test.each([{}, { releaseDelayMs: 700 }])('also if it throws (%o)', (given) => {
    expect(thrownOutcome(held({ aborted: 'cancelled', ...given }), new Error('x'))).toEqual({ kind: 'cancelled' });
  });
});

test.each([undefined, 1])('a released claim stays released, even if the handler goes on and returns %s', (value) => {
  expect(returned(held({ releaseDelayMs: 700 }), value)).toEqual({ kind: 'released', delayMs: 700, reason: 'handler' });
});

test.each<AbortCause>(['timedOut', 'stopping', 'fenced', 'lost'])('a value counts after the abort %s', (aborted) => {
  expect(returned(held({ aborted }), 1)).toEqual({ kind: 'succeeded', result: '1' });
});

describe('an error because the queue is being stopped', () => {
  const thrown = new Error('outer', { cause: new StoppedError('the wait') });

  test('gives the claim back', () => {
    expect(thrownOutcome(held(), thrown, true)).toEqual({ kind: 'released', delayMs: 0, reason: 'stopping' });
  });

  test('is charged like any other if the queue is not stopping', () => {
    expect(thrownOutcome(held(), thrown)).toMatchObject({ kind: 'failed', retry: 'policy' });
  });

  test('does not excuse other errors', () => {
    expect(thrownOutcome(held(), new Error('x'), true)).toMatchObject({ kind: 'failed', retry: 'policy' });
  });
});
