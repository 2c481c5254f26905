/** Settlements on their way to the store, and what is reported of their receipts. */
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../src/errors.js';
import { EVENT_NAMES, Events } from '../../src/events.js';
import { createLog } from '../../src/log.js';
import type { Claim, Receipt, Settlement } from '../../src/store/contract.js';
import { Settler, type EndedClaim } from '../../src/settlement/settler.js';
import { settlement as completed } from '../conformance/harness.js';

const claim = (stepId: string, over: Partial<Claim> = {}): Claim => ({
  ...{ stepId, claimToken: 'token', version: 3, type: 'work', payload: '{"type":"work","args":[1]}', priority: 0 },
  ...{ retryCount: 1, maxRetries: 3, crashes: 0, runAt: 10, createdAt: 5, ...over },
});
const REFUSED = new StoreError('STORE_REFUSED', 'cannot hold that', false);
const DOWN = new StoreError('STORE_UNAVAILABLE', 'down', true);

function world() {
  const log = createLog('test');
  const events = new Events(log);
  const told: { readonly name: string; readonly payload: any }[] = [];
  for (const name of EVENT_NAMES) events.on(name, (payload: unknown) => void told.push({ name, payload }));
  const ended: string[] = [];
  events.onEnded((stepId) => void ended.push(stepId));
  const settler = new Settler({
    ...{ events, log, podId: 'pod', random: () => 0.5, wallMs: () => 99 },
    rulesFor: () => ({ retry: { baseMs: 8, capMs: 1_000, factor: 1 }, maxCrashes: 3 }),
  });
  return { settler, told, ended };
}

/** A store that cannot hold what `refuses` says, and notes how many each batch had. */
function storeThat(refuses: (one: Settlement) => boolean) {
  const sizes: number[] = [];
  const send = async (batch: readonly Settlement[]): Promise<readonly Receipt[]> => {
    sizes.push(batch.length);
    if (batch.some(refuses)) throw REFUSED;
    return batch.map(({ stepId }) => (stepId === 'lost' ? 'lost' : 'settled'));
  };
  return { send, sizes };
}

describe('a batch that the store refuses', () => {
  const steps = Array.from({ length: 9 }, (_, i) => completed(claim(`s${i}`)));

  it('is halved until only what cannot be stored fails; receipts keep the order', async () => {
    const { settler } = world();
    const { send, sizes } = storeThat(({ stepId, result }) => ['s2', 's7'].includes(stepId) && result !== null);
    const lost = completed(claim('lost'));
    const { settlements, receipts } = await settler.send([...steps, lost], send);
    expect(settlements.map(({ stepId, status }) => `${stepId} ${status}`)).toEqual(
      [...steps, lost].map(({ stepId }) => `${stepId} ${['s2', 's7'].includes(stepId) ? 'failed' : 'completed'}`),
    );
    expect(receipts).toEqual([...steps.map(() => 'settled'), 'lost']);
    expect(sizes[0]).toBe(10);
  });

  it('fails what cannot be stored uncharged and for good, under the same fence', async () => {
    const { settler } = world();
    const retry = completed(claim('s1'), {
      status: 'pending',
      delayMs: 5,
      charge: 1,
      crash: 1,
      result: 'x',
      error: 'y',
    });
    const { send } = storeThat(({ status }) => status === 'pending');
    const { settlements, receipts } = await settler.send([retry], send);
    const [failure] = settlements;
    expect(receipts).toEqual(['settled']);
    expect(failure).toMatchObject({
      ...retry,
      status: 'failed',
      delayMs: null,
      charge: 0,
      result: null,
      error: expect.any(String),
    });
    expect(JSON.parse(failure!.error!)).toMatchObject({ code: 'RESULT_UNSTORABLE' });
  });

  it('counts as lost what cannot be stored even as a failure, and settles the rest', async () => {
    const { settler } = world();
    const { send } = storeThat(({ stepId }) => stepId === 's4');
    const { receipts } = await settler.send(steps, send);
    expect(receipts).toEqual(steps.map(({ stepId }) => (stepId === 's4' ? 'lost' : 'settled')));
  });

  it.each([
    ['at first', 1],
    ['in the midst of the halves', 3],
    ['when the failure is sent', 2],
  ])('is given up where the store fails otherwise %s: nothing is known of it', async (_when, at) => {
    const { settler } = world();
    let calls = 0;
    const send = async (batch: readonly Settlement[]): Promise<readonly Receipt[]> => {
      if (++calls === at) throw DOWN;
      throw batch.length > 0 ? REFUSED : DOWN;
    };
    await expect(settler.send(at === 3 ? steps : steps.slice(0, 1), send)).rejects.toBe(DOWN);
    expect(calls).toBe(at);
  });

  it('is not halved where it is empty', async () => {
    const { settler } = world();
    await expect(settler.send([], () => Promise.reject(REFUSED))).rejects.toBe(REFUSED);
  });
});

describe('a receipt', () => {
  const done = (over: Partial<EndedClaim> = {}): EndedClaim => ({
    claim: claim('s1', { crashes: 1 }),
    outcome: { kind: 'succeeded', result: '2' },
    durationMs: 4,
    ...over,
  });

  /** What is reported of an outcome, once the store has answered so. */
  function told(ended: EndedClaim, receipt: Receipt) {
    const { settler, told, ended: heard } = world();
    const settlement = settler.settlement(ended.claim, ended.outcome);
    expect(told).toEqual([]);
    settler.announce(ended, settlement, receipt);
    return { events: told, names: told.map(({ name }) => name), heard };
  }

  it('of a completed step tells it as it stands after its settlement', () => {
    const { events, heard } = told(done(), 'settled');
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

  it('of a step that is tried again tells the retry, and wakes no waiter', () => {
    const error = { name: 'Error', message: 'no' };
    const { events, heard } = told(done({ outcome: { kind: 'failed', error, retry: 'policy' } }), 'settled');
    expect(events).toMatchObject([{ name: 'step:retrying', payload: { attempt: 2, delayMs: 4, error } }]);
    expect(heard).toEqual([]);
  });

  it('of a step that is given back uncharged tells no retry', () => {
    const { events, heard } = told(done({ outcome: { kind: 'released', delayMs: 3, reason: 'stopping' } }), 'settled');
    expect(events).toMatchObject([{ name: 'step:released', payload: { reason: 'stopping', delayMs: 3 } }]);
    expect(heard).toEqual([]);
  });

  it('that says cancelled wakes the waiters, whatever had become of the step', () => {
    const { names, heard } = told(done({ outcome: { kind: 'released', delayMs: 3, reason: 'stopping' } }), 'cancelled');
    expect(names).toEqual(['step:cancelled']);
    expect(heard).toEqual(['s1']);
  });

  it('that says lost tells what was refused, and wakes no waiter', () => {
    const { events, heard } = told(done(), 'lost');
    expect(events).toMatchObject([{ name: 'step:lost', payload: { stepId: 's1', refused: 'completed' } }]);
    expect(heard).toEqual([]);
  });

  it('of what recovery settled names the pod that held the step', () => {
    const ended = done({ outcome: { kind: 'orphaned', evicted: true, alone: false }, podId: 'dead' });
    const { events } = told(ended, 'settled');
    expect(events).toMatchObject([{ name: 'step:released', payload: { podId: 'dead', reason: 'orphaned' } }]);
  });

  it('of a time-out tells it before what becomes of the step', () => {
    const { names } = told(done({ outcome: { kind: 'timedOut', timeoutMs: 50 } }), 'settled');
    expect(names).toEqual(['step:timedOut', 'step:retrying']);
  });
});
