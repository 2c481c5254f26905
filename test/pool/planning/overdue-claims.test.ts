import { describe, expect, test } from 'vitest';
import { TypeHandler } from '../../../src/pool/handlers/handlers.js';
import { Hold } from '../../../src/pool/claims/held-claim.js';
import { Overdue } from '../../../src/pool/planning/overdue-claims.js';
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

function hold(of: TypeHandler, priority: number, claimedAt: number): Hold {
  const rest = { payload: '{}', retryCount: 0, maxRetries: 0, crashes: 0, runAt: 0, createdAt: 0, version: 1 };
  return new Hold({ stepId: 's', claimToken: 't', type: 'x', priority, ...rest }, POD, of, claimedAt);
}

/** Those that go back, of claims that came at 50 or before and since. */
const goBack = (holds: readonly Hold[]) => {
  const overdue = new Overdue(50);
  return { back: holds.map((one) => overdue.has(one)), oldestAt: overdue.oldestAt };
};

describe('what goes back', () => {
  test('is what came too long ago; the oldest of the rest says when to look again', () => {
    const holds = [hold(open, 1, 50), hold(open, 1, 51), hold(other, 1, 90)];
    expect(goBack(holds)).toEqual({ back: [true, false, false], oldestAt: 51 });
    expect(goBack([hold(open, 1, 50)])).toEqual({ back: [true], oldestAt: Infinity });
  });

  test('is also what ranks below one that waited for a slot, of whatever type', () => {
    const holds = [hold(open, 9, 80), hold(open, 5, 10), hold(other, 4, 90), hold(single, 6, 90), hold(single, 3, 90)];
    expect(goBack(holds)).toEqual({ back: [false, true, true, false, true], oldestAt: 80 });
  });

  test('is of the same type alone, below one that waited for its type', () => {
    const holds = [hold(open, 1, 70), hold(single, 5, 10), hold(single, 4, 90), hold(double, 4, 90)];
    expect(goBack(holds)).toEqual({ back: [false, true, true, false], oldestAt: 70 });
  });
});
