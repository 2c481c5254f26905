import { describe, expect, test } from 'vitest';
import { TypeHandler } from '../../../src/pool/handlers/type-handler.js';
import { HeldClaim } from '../../../src/pool/claims/held-claim.js';
import { OverdueClaims } from '../../../src/pool/planning/overdue-claims.js';
import { POD } from '../support/rig.js';

const handler = (type: string, concurrency?: number) =>
  new TypeHandler({
    ...{ type, schema: undefined, run: () => undefined },
    ...(concurrency !== undefined && { concurrency }),
  });
const open = handler('open');
const other = handler('other');
const single = handler('single', 1);
const double = handler('double', 2);

function held(of: TypeHandler, priority: number, claimedAt: number): HeldClaim {
  const rest = {
    payload: '{}',
    retryCount: 0,
    maxRetries: 0,
    crashes: 0,
    runAt: 0,
    createdAt: 0,
    dueForMs: 0,
    version: 1,
  };
  return new HeldClaim({ stepId: 's', claimToken: 't', type: 'x', priority, ...rest }, POD, of, claimedAt);
}

/** Those that go back, of claims that came at 50 or before and since. */
const goBack = (claims: readonly HeldClaim[]) => {
  const overdue = new OverdueClaims(50);
  return { back: claims.map((one) => overdue.has(one)), oldestAt: overdue.oldestAt };
};

describe('what goes back', () => {
  test('is every claim that waited too long; the oldest of the rest sets the next check', () => {
    const claims = [held(open, 1, 50), held(open, 1, 51), held(other, 1, 90)];
    expect(goBack(claims)).toEqual({ back: [true, false, false], oldestAt: 51 });
    expect(goBack([held(open, 1, 50)])).toEqual({ back: [true], oldestAt: Infinity });
  });

  test('is also every claim, of any type, that ranks below one that waited for a slot', () => {
    const claims = [held(open, 9, 80), held(open, 5, 10), held(other, 4, 90), held(single, 6, 90), held(single, 3, 90)];
    expect(goBack(claims)).toEqual({ back: [false, true, true, false, true], oldestAt: 80 });
  });

  test('is only claims of the same type, below one that waited for its type', () => {
    const claims = [held(open, 1, 70), held(single, 5, 10), held(single, 4, 90), held(double, 4, 90)];
    expect(goBack(claims)).toEqual({ back: [false, true, true, false], oldestAt: 70 });
  });
});
