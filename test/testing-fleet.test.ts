import { defineStep } from 'fleet-q';
import { testFleet } from 'fleet-q/testing';
import { expect, test } from 'vitest';

const double = defineStep({ type: 'double', run: ({ n }: { n: number }) => n * 2 });

test('drains', async () => {
  await using fleet = testFleet({ steps: [double] });
  const stepId = await fleet.queue.submit(double, { n: 21 });
  expect(await fleet.queue.getStep(stepId)).toMatchObject({ status: 'pending' });
  let t = performance.now();
  expect(await fleet.drain()).toMatchObject({ completed: 1, failed: 0, runs: 1 });
  console.log('drain', performance.now() - t);
  expect(await fleet.queue.getStep(stepId)).toMatchObject({ status: 'completed', result: 42 });
  await fleet.queue.submit(double, { n: 1 }, { delayMs: 30 * 86_400_000 });
  t = performance.now();
  console.log(await fleet.drain(), performance.now() - t);
  t = performance.now();
  const id = await fleet.queue.submit(double, { n: 2 }, { delayMs: 60_000 });
  expect(await fleet.queue.waitFor(id)).toBe(4);
  console.log(performance.now() - t);
  fleet.crashDuring(double);
  t = performance.now();
  const again = await fleet.queue.submit(double, { n: 2 });
  console.log(await fleet.drain(), performance.now() - t, fleet.runs(double), await fleet.queue.getStep(again));
  console.log(await fleet.queue.stats());
  t = performance.now();
  await fleet.queue.submitMany(
    double,
    Array.from({ length: 1000 }, (_, n) => ({ n })),
  );
  console.log(await fleet.drain(), performance.now() - t);
});
