/** Cursors of listings, as callers carry them. */
import { describe, expect, test } from 'vitest';
import { ValidationError, type StepFilter } from 'fleet-q';
import { newQueue } from '../support/queues.js';

const LISTING: StepFilter = { status: ['pending', 'claimed'], type: 'a', order: 'newest', pageSize: 2 };

async function listed() {
  const queue = newQueue();
  await queue.submitMany([0, 1, 2, 3, 4].map((args) => ({ type: 'a', args })) as never[]);
  const { next } = await queue.listSteps(LISTING).page();
  return { queue, after: next! };
}

describe('a cursor', () => {
  test('continues its listing, also with another page size or another range of time', async () => {
    const { queue, after } = await listed();
    for (const changed of [{}, { pageSize: 3 }, { createdAfter: 0 }]) {
      const { steps } = await queue.listSteps({ ...LISTING, ...changed, after }).page();
      expect(steps.map(({ args }) => args)).toEqual([2, 1, 0].slice(0, changed.pageSize ?? 2));
    }
    expect((await queue.listSteps(LISTING).page(after)).steps).toHaveLength(2);
  });

  test.each<[string, StepFilter]>([
    ['another order', { ...LISTING, order: 'oldest' }],
    ['another status', { ...LISTING, status: 'pending' }],
    ['another type', { ...LISTING, type: 'b' }],
    ['a holder', { ...LISTING, claimedBy: 'pod-1' }],
  ])('is refused by a listing of %s', async (_, filter) => {
    const { queue, after } = await listed();
    const refused = queue.listSteps({ ...filter, after }).page();
    await expect(refused).rejects.toThrow(/^after: is of a listing with other filters or another order, got "/);
    await expect(queue.listSteps(filter).page(after)).rejects.toBeInstanceOf(ValidationError);
  });

  test.each(['', 'x', '1', 'not a cursor', '%', '\u{1F600}'])('is no text such as %j', async (after) => {
    const { queue } = await listed();
    const refused = queue.listSteps({ ...LISTING, after }).page();
    await expect(refused).rejects.toMatchObject({ code: 'OPTION_INVALID', field: 'after' });
  });

  test('needs no escaping in a URL or a shell', async () => {
    const { after } = await listed();
    expect(after).toMatch(/^[\w-]+$/);
  });
});
