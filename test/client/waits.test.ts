/** Waits in one process over a store without late reads: what ends them without a poll, and that they leave nothing behind. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { PulseGate } from '../../src/client/pulse-gate.js';
import { LateClients, WAIT_INTERVAL_MS, type Client } from './support/late-client.js';

let clients: LateClients;
let here: Client;
let there: Client;
let unwatched: number;

beforeEach(async () => {
  clients = await new LateClients({ staleReadMs: 0 }).open();
  [here, there] = [clients.client(), clients.client()];
  unwatched = 0;
  // There is no watcher: a poll is due by its interval, or by what happens in this process.
  vi.spyOn(here.store, 'watch').mockImplementation(() => () => void unwatched++);
});
afterEach(() => clients.close());

const until = <T>(promise: Promise<T>): Promise<T> => clients.runtime.until(promise);

/** What came of a wait, once no more can come without time. */
async function now(wait: Promise<unknown>): Promise<unknown> {
  let came: unknown = 'nothing yet';
  const comes = (value: unknown): void => void (came = value);
  wait.then(comes, comes);
  await clients.runtime.settle();
  return came;
}

/** A step that `here` waits for, and has polled for once. */
async function awaited(stepId: string): Promise<{ readonly wait: Promise<unknown> }> {
  await until(there.submit(stepId));
  const wait = here.waiter.wait(stepId);
  wait.catch(() => undefined); // it may be stopped with the test
  await clients.runtime.settle();
  return { wait };
}

describe('a wait ends at once', () => {
  test('for a step that has ended, also while another wait is between two polls', async () => {
    await until(there.submit('s'));
    await until(there.end());
    await awaited('other');
    expect(await now(here.waiter.wait('s'))).toBe(7);
  });

  test('when its step ends in this process', async () => {
    const { wait } = await awaited('s');
    await until(there.end());
    expect(await now(wait)).toBe('nothing yet');
    here.recorded.events.ended('s');
    expect(await now(wait)).toBe(7);
  });

  test('when this process cancels its step', async () => {
    const { wait } = await awaited('s');
    expect(await until(here.commands.cancel('s'))).toBe('cancelled');
    expect(await now(wait)).toMatchObject({ code: 'STEP_CANCELLED' });
  });

  test('when it times out and its step has ended meanwhile', async () => {
    await until(there.submit('s'));
    const wait = here.waiter.wait('s', { timeoutMs: WAIT_INTERVAL_MS / 2 });
    await clients.runtime.settle();
    await until(there.end());
    await clients.runtime.advance(WAIT_INTERVAL_MS / 2);
    expect(await now(wait)).toBe(7);
  });
});

test('a query that fails is sent again, even if the pulse does not change', async () => {
  await until(there.submit('s'));
  await until(there.end());
  await awaited('other');
  await clients.runtime.advance(2 * WAIT_INTERVAL_MS);
  const failing = here.store.count('find');
  here.store.plan = ({ verb, nth }) => (verb === 'find' && nth === failing ? { fails: 'before' } : undefined);
  const wait = here.waiter.wait('s');
  await clients.runtime.advance(30 * WAIT_INTERVAL_MS);
  expect(await now(wait)).toBe(7);
  expect(here.store.count('find')).toBe(failing + 2);
});

test('after the last wait neither a timer nor a watcher is left', async () => {
  const { wait } = await awaited('s');
  expect(clients.runtime.pending).toBe(1);
  await until(there.end());
  await clients.runtime.advance(WAIT_INTERVAL_MS);
  expect(await now(wait)).toBe(7);
  expect([clients.runtime.pending, unwatched]).toEqual([0, 1]);
});

test('a wait that starts after all others have ended does not trust their pulse', () => {
  const gate = new PulseGate(0);
  expect(gate.mustQuery('a', 0)).toBe(true);
  gate.answered(0);
  expect(gate.mustQuery('a', 1)).toBe(false);
  gate.reset();
  expect(gate.mustQuery('a', 2)).toBe(true);
});

test.each([
  ['an hour', undefined, 3_600_000],
  ['as long as a pod sleeps without a look', 21_600_000, 21_600_000],
])('an unchanged pulse is trusted for %s', (_, lookIntervalMs, trustMs) => {
  const gate = new PulseGate(0, lookIntervalMs);
  gate.mustQuery('a', 0);
  gate.answered(0);
  expect(gate.mustQuery('a', trustMs - 1)).toBe(false);
  expect(gate.mustQuery('a', trustMs)).toBe(true);
});
