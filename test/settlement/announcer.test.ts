/** The events that a receipt causes. */
import { describe, expect, it } from 'vitest';
import type { EndedClaim } from '../../src/settlement/ended-claim.js';
import type { Receipt } from '../../src/store/contract.js';
import { claim, world } from './support/world.js';

describe('the receipt of a claim', () => {
  const done = (over: Partial<EndedClaim> = {}): EndedClaim => ({
    claim: claim('s1', { crashes: 1 }),
    outcome: { kind: 'succeeded', result: '2' },
    durationMs: 4,
    ...over,
  });

  /** What is emitted for this receipt. */
  function announced(ended: EndedClaim, receipt: Receipt) {
    const { settler, emitted, ended: heard } = world();
    const settlement = settler.settlement(ended.claim, ended.outcome);
    expect(emitted).toEqual([]);
    settler.announce(ended, settlement, receipt);
    return { events: emitted, names: emitted.map(({ name }) => name), heard };
  }

  it('emits the step as it is after its settlement', () => {
    const { events, heard } = announced(done(), 'settled');
    expect(events).toEqual([
      {
        name: 'step:completed',
        payload: {
          ...{ type: 'work', stepId: 's1', args: [1], metadata: {}, attempt: 2, podId: 'pod' },
          ...{ result: 2, durationMs: 4, step: expect.anything() },
        },
      },
    ]);
    expect(events[0]!.payload.step).toMatchObject({
      ...{ status: 'completed', version: 4, retryCount: 1, crashes: 1, claimedBy: 'pod', result: 2, updatedAt: 99 },
    });
    expect(heard).toEqual(['s1']);
  });

  it('emits step:retrying for a charged retry, and wakes no waiter', () => {
    const error = { name: 'Error', message: 'no' };
    const { events, heard } = announced(done({ outcome: { kind: 'failed', error, retry: 'policy' } }), 'settled');
    expect(events).toMatchObject([{ name: 'step:retrying', payload: { attempt: 2, delayMs: 4, error } }]);
    expect(heard).toEqual([]);
  });

  it('emits step:released, not step:retrying, for an uncharged release', () => {
    const { events, heard } = announced(
      done({ outcome: { kind: 'released', delayMs: 3, reason: 'stopping' } }),
      'settled',
    );
    expect(events).toMatchObject([{ name: 'step:released', payload: { reason: 'stopping', delayMs: 3 } }]);
    expect(heard).toEqual([]);
  });

  it('cancelled emits step:cancelled and wakes the waiters, whatever the outcome was', () => {
    const { names, heard } = announced(
      done({ outcome: { kind: 'released', delayMs: 3, reason: 'stopping' } }),
      'cancelled',
    );
    expect(names).toEqual(['step:cancelled']);
    expect(heard).toEqual(['s1']);
  });

  it('lost emits step:lost with the refused status, and wakes no waiter', () => {
    const { events, heard } = announced(done(), 'lost');
    expect(events).toMatchObject([{ name: 'step:lost', payload: { stepId: 's1', refused: 'completed' } }]);
    expect(heard).toEqual([]);
  });

  it('names the pod that held the step if the recovery settled it', () => {
    const ended = done({ outcome: { kind: 'orphaned', evicted: true, alone: false }, podId: 'dead' });
    const { events } = announced(ended, 'settled');
    expect(events).toMatchObject([{ name: 'step:released', payload: { podId: 'dead', reason: 'orphaned' } }]);
  });

  it('emits step:timedOut before the event of what happens to the step next', () => {
    const { names } = announced(done({ outcome: { kind: 'timedOut', timeoutMs: 50 } }), 'settled');
    expect(names).toEqual(['step:timedOut', 'step:retrying']);
  });
});
