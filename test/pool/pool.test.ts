import { expect, test } from 'vitest';
import { running } from './support/rig.js';

test('claims, runs, settles', async () => {
  const rig = await running({ add: ({ a, b }: { a: number; b: number }) => a + b }, {}, ({ store }) => {
    store.add('s1', 'add', { args: { a: 1, b: 2 } });
  });
  expect(rig.store.row('s1')).toMatchObject({ status: 'completed', result: '3' });
  expect(rig.told.map(({ name }) => name)).toEqual(['step:claimed', 'step:started', 'step:completed']);
});

test('a hundred asynchronous steps', async () => {
  const rig = await running({ nap: async () => 'x' }, {}, ({ store }) => void store.addMany(1000, 'nap'));
  await rig.runtime.settle();
  expect(rig.store.count('completed')).toBe(1000);
});
