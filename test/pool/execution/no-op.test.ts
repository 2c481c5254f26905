/** Handlers that do nothing, as fast as they can. */
import { expect, test } from 'vitest';
import { running } from '../support/rig.js';

test('a pod of no-op handlers gives nothing back', async () => {
  const rig = await running({ noop: () => undefined }, {}, ({ store }) => void store.addMany(3_000, 'noop'));
  await rig.runtime.advance(5_000);
  expect(rig.store.count('completed')).toBe(3_000);
  expect(rig.events('step:released')).toEqual([]);
});
