/** Settlements on their way to the store: what is sent if the store refuses a batch, and what is sent again. */
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../src/errors.js';
import type { Receipt, Settlement } from '../../src/store/contract.js';
import { settlement as completed } from '../conformance/harness.js';
import { claim, world } from './support/world.js';

const REFUSED = new StoreError('STORE_REFUSED', 'cannot hold that', false);
const DOWN = new StoreError('STORE_UNAVAILABLE', 'down', true);

/** A store that refuses a batch with any of these, and records the size of each batch. */
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

  it('is halved until only the steps that cannot be stored fail; receipts keep the order', async () => {
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

  it('fails a step that cannot be stored permanently, uncharged and under the same fence', async () => {
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

  it('counts a claim as lost if its failure is refused too, and settles the rest', async () => {
    const { settler } = world();
    const { send } = storeThat(({ stepId }) => stepId === 's4');
    const { receipts } = await settler.send(steps, send);
    expect(receipts).toEqual(steps.map(({ stepId }) => (stepId === 's4' ? 'lost' : 'settled')));
  });

  it.each([
    ['at the first try', 1],
    ['between the halves', 3],
    ['when the failure is sent', 2],
  ])('throws if the store fails otherwise %s, because the outcome is unknown', async (_when, at) => {
    const { settler } = world();
    let calls = 0;
    const send = async (batch: readonly Settlement[]): Promise<readonly Receipt[]> => {
      if (++calls === at) throw DOWN;
      throw batch.length > 0 ? REFUSED : DOWN;
    };
    await expect(settler.send(at === 3 ? steps : steps.slice(0, 1), send)).rejects.toBe(DOWN);
    expect(calls).toBe(at);
  });

  it('is not halved if it is empty', async () => {
    const { settler } = world();
    await expect(settler.send([], () => Promise.reject(REFUSED))).rejects.toBe(REFUSED);
  });
});
