/**
 * Tests an application's own handlers: retries, a step that is due in two weeks, and a crash. Nothing waits in real time.
 *
 * Run it with `node --import tsx --test orders.test.ts`. In vitest and Jest it is the same.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testFleet } from 'fleet-q/testing';
import { orderSteps, type Services } from './orders.js';

const DAY = 86_400_000;
const alice = { order: 'A-17', email: 'alice@example.com' };

/** Stubs that remember. Like the real services, they do nothing twice for the same key. */
function stubs() {
  const charged = new Set<string>();
  const mails = new Map<string, string>();
  const services: Services = {
    charge: (order, key) => Promise.resolve(void charged.add(`${order} ${key}`)),
    mail: (_to, text, key) => Promise.resolve(void mails.set(`${text} ${key}`, text)),
  };
  return { services, charged, mails: () => [...mails.values()] };
}

void test('charges an order, thanks at once, and asks for a review after two weeks', async () => {
  const { services, charged, mails } = stubs();
  const { chargeOrder, askForReview } = orderSteps(services);
  await using fleet = testFleet({ steps: [chargeOrder, askForReview] });

  await fleet.queue.submit(chargeOrder, alice);
  await fleet.clock.advance(13 * DAY);
  assert.deepEqual(mails(), ['Thank you for order A-17.']);

  const { completed, elapsedMs } = await fleet.drain();
  assert.deepEqual({ completed, elapsedMs }, { completed: 1, elapsedMs: DAY });
  assert.deepEqual(mails(), ['Thank you for order A-17.', 'How do you like order A-17?']);
  assert.equal(charged.size, 1);
});

void test('tries again while the bank does not answer, and never for an order without an address', async () => {
  const { services, charged } = stubs();
  let outages = 3;
  const charge: Services['charge'] = (order, key) =>
    outages-- > 0 ? Promise.reject(new Error('the bank does not answer')) : services.charge(order, key);
  const { chargeOrder, askForReview } = orderSteps({ ...services, charge });
  await using fleet = testFleet({ steps: [chargeOrder, askForReview] });

  const charging = await fleet.queue.submit(chargeOrder, alice);
  const refused = await fleet.queue.submit(chargeOrder, { order: 'B-1', email: 'nobody' });
  await fleet.drain();
  assert.equal((await fleet.queue.getStep(charging)).retryCount, 3);
  assert.equal((await fleet.queue.getStep(refused)).error?.message, 'no address: nobody');
  assert.equal(charged.size, 1);
});

for (const at of ['start', 'end'] as const) {
  void test(`charges once, and mails once, if a pod dies at the ${at} of the handler`, async () => {
    const { services, charged, mails } = stubs();
    const { chargeOrder, askForReview } = orderSteps(services);
    await using fleet = testFleet({ steps: [chargeOrder, askForReview], pods: 2 });

    fleet.crashDuring(chargeOrder, { at });
    await fleet.queue.submit(chargeOrder, alice);
    await fleet.drain();
    const outcomes = fleet.runs(chargeOrder).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, ['crashed', 'returned']);
    assert.deepEqual([charged.size, mails().length], [1, 2]);
  });
}

void test('charges once if a pod dies between the bank and the mail', async () => {
  const { services, charged, mails } = stubs();
  let crashes = 1;
  const mail: Services['mail'] = async (...given) => {
    if (crashes-- > 0) await fleet.crashHere();
    await services.mail(...given);
  };
  const { chargeOrder, askForReview } = orderSteps({ ...services, mail });
  await using fleet = testFleet({ steps: [chargeOrder, askForReview] });

  await fleet.queue.submit(chargeOrder, alice);
  await fleet.drain();
  assert.deepEqual([charged.size, mails().length], [1, 2]);
});
