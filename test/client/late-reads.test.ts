/** Waits, queries and commands while reads may show late what another process has committed. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StepNotFoundError, StoppedError, StoreError } from '../../src/errors.js';
import { LateClients, WAIT_INTERVAL_MS, type Client } from './support/late-client.js';

const STALE = 10_000;
const HOUR = 3_600_000;

let clients: LateClients;
let here: Client;
let there: Client;
const arrange = async (staleReadMs = STALE, nextMs?: () => number): Promise<void> => {
  clients = await new LateClients({ staleReadMs, ...(nextMs && { nextMs }) }).open();
  [here, there] = [clients.client(), clients.client()];
};
beforeEach(() => arrange());
afterEach(() => clients.close());

const outcome = (promise: Promise<unknown>): { came?: unknown; at?: number } => {
  const result: { came?: unknown; at?: number } = {};
  const comes = (came: unknown): void => void Object.assign(result, { came, at: clients.now });
  promise.then(comes, comes);
  return result;
};
const advance = (ms: number): Promise<void> => clients.runtime.advance(ms);
const until = <T>(promise: Promise<T>): Promise<T> => clients.runtime.until(promise);

describe('a wait', () => {
  test('ends although reads show the end of the step long after the pulse has changed', async () => {
    await until(there.submit('s'));
    await advance(STALE);
    const wait = outcome(here.waiter.wait('s'));
    await advance(HOUR / 2);
    await until(there.end());
    const endedAt = clients.now;
    await advance(STALE + 2 * WAIT_INTERVAL_MS);
    expect(wait.came).toBe(7);
    expect(wait.at! - endedAt).toBeGreaterThanOrEqual(STALE);
  });

  test('sends no query once reads have caught up with the pulse', async () => {
    await until(there.submit('s'));
    await advance(STALE);
    void outcome(here.waiter.wait('s'));
    await advance(3 * STALE);
    const before = here.store.count('ended') + here.store.count('find');
    await advance(HOUR / 2);
    expect(here.store.count('ended') + here.store.count('find')).toBe(before);
    await until(there.submit('other')); // moves the pulse
    await advance(HOUR / 4);
    const looks = STALE / WAIT_INTERVAL_MS + 1;
    expect(here.store.count('ended') + here.store.count('find')).toBe(before + looks);
  });

  test('queries once an hour under an unchanged pulse, so that it ends even if reads are later than the store states', async () => {
    await until(there.submit('s'));
    await advance(STALE);
    const wait = outcome(here.waiter.wait('s'));
    await advance(3 * STALE);
    const { find } = here.late;
    let answered: Awaited<ReturnType<typeof find>> | undefined;
    here.late.find = async (ids) => (answered ??= await find.call(here.late, ids)); // it shows what it has shown before
    await advance(WAIT_INTERVAL_MS);
    await until(there.end());
    await advance(10 * STALE);
    here.late.find = find;
    await advance(HOUR / 2);
    expect(wait.came).toBeUndefined();
    await advance(HOUR / 2);
    expect(wait.came).toBe(7);
  });

  test('does not fail for a step that another process has just submitted', async () => {
    await until(there.submit('s'));
    const wait = outcome(here.waiter.wait('s'));
    await advance(STALE - 1);
    expect(wait.came).toBeUndefined();
    await advance(1);
    await until(there.end());
    await advance(2 * STALE);
    expect(wait.came).toBe(7);
  });

  test('fails for an unknown step after a second read, and reads only that step until then', async () => {
    await advance(5_000);
    const wait = outcome(here.waiter.wait('nothing'));
    await advance(STALE - 1);
    expect(wait.came).toBeUndefined();
    await advance(WAIT_INTERVAL_MS);
    expect(wait.came).toBeInstanceOf(StepNotFoundError);
    expect(wait.at).toBeGreaterThanOrEqual(5_000 + STALE);
    expect(here.store.count('ended') + here.store.count('find')).toBeLessThanOrEqual(STALE / WAIT_INTERVAL_MS + 2);
  });

  test('does not count an absence that an earlier wait noticed', async () => {
    const first = outcome(here.waiter.wait('s'));
    await advance(STALE - 1_000);
    await until(there.submit('s'));
    const second = outcome(here.waiter.wait('s'));
    await advance(2_000);
    expect(first.came).toBeInstanceOf(StepNotFoundError); // nobody had submitted it when that wait began
    expect(second.came).toBeUndefined();
    await until(there.end());
    await advance(2 * STALE);
    expect(second.came).toBe(7);
  });

  test('starts counting the absence over if a read has shown the step meanwhile', async () => {
    await until(there.submit('s'));
    await advance(STALE);
    let shown = false;
    const { find } = here.late;
    here.late.find = async (ids) => (shown ? find.call(here.late, ids) : []);
    const wait = outcome(here.waiter.wait('s'));
    await advance(4_000);
    shown = true;
    await advance(2 * WAIT_INTERVAL_MS);
    shown = false;
    await until(there.submit('another')); // moves the pulse
    await advance(STALE - 1_000);
    expect(wait.came).toBeUndefined();
    await advance(2 * WAIT_INTERVAL_MS);
    expect(wait.came).toBeInstanceOf(StepNotFoundError);
  });

  test('does not count an absence from before it began, if it joins an open query', async () => {
    await until(there.submit('a'));
    await advance(STALE);
    here.store.plan = ({ verb, nth }) => (verb === 'ended' && nth === 0 ? { delayMs: 3_000 } : undefined);
    void outcome(here.waiter.wait('a'));
    await advance(2_900);
    await until(there.submit('b'));
    const joined = outcome(here.waiter.wait('b'));
    await advance(STALE);
    expect(joined.came).toBeUndefined();
    await until(there.claim());
    await until(there.end()); // the one that is left
    await advance(2 * STALE);
    expect(joined.came).toBe(7);
  });

  test('times out without details if no read shows the step', async () => {
    await until(there.submit('s'));
    const wait = outcome(here.waiter.wait('s', { timeoutMs: 3_000 }));
    await advance(3_000);
    expect(wait.came).toMatchObject({ code: 'WAIT_TIMEOUT', status: undefined });
  });
});

describe('if reads are never late', () => {
  beforeEach(() => arrange(0));

  test('one query is enough to report that there is no such step', async () => {
    await expect(until(here.waiter.wait('nothing'))).rejects.toThrow(StepNotFoundError);
    expect(clients.now).toBe(0);
    expect(here.store.count('ended') + here.store.count('find')).toBe(1);
  });

  test('one query follows a change of the pulse', async () => {
    await until(there.submit('s'));
    void outcome(here.waiter.wait('s'));
    await advance(HOUR / 4);
    const before = here.store.count('ended') + here.store.count('find');
    await until(there.submit('other'));
    await advance(HOUR / 4);
    expect(here.store.count('ended') + here.store.count('find')).toBe(before + 1);
  });

  test('a step that ends right after the query is noticed, because the pulse was read before it', async () => {
    await until(there.submit('s'));
    let ends = false;
    here.store.plan = ({ verb }) => {
      if (verb === 'ended' && !ends) {
        ends = true;
        void Promise.resolve().then(() => there.end()); // the question is on its way back
        return { replyDelayMs: 500 };
      }
      return undefined;
    };
    const wait = outcome(here.waiter.wait('s'));
    await advance(2 * WAIT_INTERVAL_MS);
    expect(ends).toBe(true);
    expect(wait.came).toBe(7);
  });

  test('cancel reads again at once if the step has changed since the read', async () => {
    await until(there.submit('s'));
    here.store.plan = ({ verb, nth }) => {
      if (verb === 'cancel' && nth === 0) void there.claim();
      return verb === 'cancel' && nth === 0 ? { delayMs: 100 } : undefined;
    };
    expect(await until(here.commands.cancel('s'))).toBe('cancelled');
    expect(clients.now).toBe(100);
    expect(here.store.count('cancel')).toBe(2);
  });

  test('cancel and getStep resolve without a pause', async () => {
    await expect(until(here.queries.get('nothing'))).rejects.toThrow(StepNotFoundError);
    expect(await until(here.commands.cancel('nothing'))).toBe('notFound');
    expect(await until(here.commands.retry('nothing'))).toBe('notFound');
    await until(there.submit('s'));
    await until(there.end('failed'));
    expect(await until(here.commands.cancel('s'))).toBe('alreadyTerminal');
    expect(await until(here.commands.retry('s'))).toBe('retried');
    expect(await until(here.commands.retry('s'))).toBe('notRetryable');
    expect(clients.now).toBe(0);
  });
});

describe('getStep', () => {
  test('finds a step that another process has just submitted', async () => {
    await until(there.submit('s'));
    expect(await until(here.queries.get('s'))).toMatchObject({ stepId: 's', status: 'pending' });
  });

  test('finds a step of this process at once', async () => {
    await until(here.submit('s'));
    await until(here.queries.get('s'));
    expect(clients.now).toBe(0);
  });

  test('reads again after growing pauses, until no read can be late, before it reports that there is no such step', async () => {
    const asked: number[] = [];
    here.store.plan = ({ verb }) => {
      if (verb === 'find') asked.push(clients.now);
      return undefined;
    };
    await expect(until(here.queries.get('nothing'))).rejects.toThrow(StepNotFoundError);
    expect(asked).toEqual([0, 1_000, 3_000, 7_000, 10_000]);
  });

  test('ends if the queue is stopped', async () => {
    const got = outcome(here.queries.get('nothing'));
    await advance(1_500);
    await until(here.stop());
    await clients.runtime.settle();
    expect(got.came).toBeInstanceOf(StoppedError);
    expect(got.at).toBe(1_500);
  });
});

describe('cancel', () => {
  test('finds a step that another process has just submitted', async () => {
    await until(there.submit('s'));
    expect(await until(here.commands.cancel('s'))).toBe('cancelled');
  });

  test('returns notFound only after a second read', async () => {
    expect(await until(here.commands.cancel('nothing'))).toBe('notFound');
    expect(clients.now).toBe(STALE);
  });

  test('pauses between tries while reads show an old version, and then cancels', async () => {
    await until(there.submit('s'));
    await advance(STALE);
    await until(here.late.find(['s']));
    await until(there.claim());
    const claimedAt = clients.now;
    expect(await until(here.commands.cancel('s'))).toBe('cancelled');
    expect(clients.now - claimedAt).toBe(STALE);
    expect(here.store.count('cancel')).toBeLessThanOrEqual(6);
    expect(here.recorded.of('step:cancelled')).toMatchObject([{ stepId: 's', by: 'caller' }]);
  });

  test('fails with STORE_BUSY if no read ever shows the state of the step', async () => {
    await until(there.submit('s'));
    await advance(STALE);
    const old = await until(here.late.find(['s']));
    here.late.find = () => Promise.resolve(old);
    await until(there.claim());
    const error = await until(here.commands.cancel('s').catch((thrown: unknown) => thrown));
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ code: 'STORE_BUSY', transient: true, message: expect.stringContaining('step s') });
    expect(clients.now).toBe(2 * STALE);
    expect(here.store.count('cancel')).toBeLessThanOrEqual(6);
  });

  test('fails with STORE_BUSY if the step changes between every read and the write after it', async () => {
    await until(there.submit('s'));
    await advance(STALE);
    let version = 1;
    const [record] = await until(here.late.find(['s']));
    here.late.find = () => Promise.resolve([{ ...record!, version: version++ }]);
    here.late.cancel = () => Promise.resolve(['changed']);
    const error = await until(here.commands.cancel('s').catch((thrown: unknown) => thrown));
    expect(error).toMatchObject({ code: 'STORE_BUSY' });
  });

  test('does not report a step as terminal that another process has just made pending', async () => {
    await until(there.submit('s'));
    await until(there.end('failed'));
    await advance(STALE);
    expect(await until(there.commands.retry('s'))).toBe('retried');
    expect(await until(here.commands.cancel('s'))).toBe('cancelled');
  });

  test('reads again if the write does not find what the read has shown', async () => {
    await until(here.submit('s'));
    const { cancel } = here.late;
    here.late.cancel = (...args) => {
      here.late.cancel = cancel;
      return Promise.resolve(args[1].map(() => 'notFound'));
    };
    expect(await until(here.commands.cancel('s'))).toBe('cancelled');
  });

  test('returns alreadyTerminal at once for a completed step', async () => {
    await until(there.submit('s'));
    await until(there.end());
    await advance(STALE);
    const before = clients.now;
    expect(await until(here.commands.cancel('s'))).toBe('alreadyTerminal');
    expect(clients.now).toBe(before);
  });

  test.each([
    ['a read shows it since', false],
    ['reads still hide it', true],
  ])('returns cancelled if its own write was applied without showing: %s', async (_, isHidden) => {
    await until(there.submit('s'));
    await advance(STALE);
    const { cancel } = here.late;
    let first = true;
    here.late.cancel = async (...args) => {
      const receipts = await cancel.apply(here.late, args);
      if (!first) return receipts;
      first = false;
      if (isHidden) here.late.reconnect('rest');
      return ['changed'];
    };
    expect(await until(here.commands.cancel('s'))).toBe('cancelled');
    expect(here.recorded.of('step:cancelled')).toHaveLength(1);
  });
});

describe('retry', () => {
  test('retries a step that has just failed in another process', async () => {
    await until(there.submit('s'));
    await advance(STALE);
    await until(there.end('failed'));
    expect(await until(here.commands.retry('s'))).toBe('retried');
    await advance(STALE);
    expect(await until(here.queries.get('s'))).toMatchObject({ status: 'pending' });
  });

  test('returns notFound, and notRetryable for an open step, only after a second read', async () => {
    expect(await until(here.commands.retry('nothing'))).toBe('notFound');
    expect(clients.now).toBe(STALE);
    await until(here.submit('s'));
    expect(await until(here.commands.retry('s'))).toBe('notRetryable');
    expect(clients.now).toBe(2 * STALE);
  });

  test('reads again if the write does not find what the read has shown', async () => {
    await until(here.submit('s'));
    await until(here.commands.cancel('s'));
    const { retry } = here.late;
    here.late.retry = (steps) => {
      here.late.retry = retry;
      return Promise.resolve(steps.map(() => 'notFound'));
    };
    expect(await until(here.commands.retry('s'))).toBe('retried');
  });

  test('returns notRetryable at once for a completed step', async () => {
    await until(there.submit('s'));
    await until(there.end());
    await advance(STALE);
    expect(await until(here.commands.retry('s'))).toBe('notRetryable');
    expect(clients.now).toBe(STALE);
  });

  test('returns retried if the row has moved on from the failed version that a late read still shows', async () => {
    await until(there.submit('s'));
    await until(there.end('failed'));
    await advance(STALE);
    const old = await until(here.late.find(['s']));
    await until(there.commands.retry('s'));
    let looks = 0;
    const { find } = here.late;
    here.late.find = (ids) => (looks++ < 2 ? Promise.resolve(old) : find.call(here.late, ids));
    here.late.retry = () => Promise.resolve(['changed']); // what the Snowflake store returns if its own read is late as well
    expect(await until(here.commands.retry('s'))).toBe('retried');
    expect(looks).toBeGreaterThan(2);
  });

  test.each([
    ['another process', () => there],
    ['this process', () => here], // an end is written by another session than the one that reads
  ])('retries a step again that was retried and has just failed again in %s', async (_, who) => {
    await until(there.submit('s'));
    await until(there.end('failed'));
    await advance(STALE);
    const [old] = await until(here.late.find(['s']));
    await until(there.commands.retry('s'));
    await until(who().end('failed'));
    expect(await until(here.late.find(['s']))).toEqual([old]);
    expect(await until(here.commands.retry('s'))).toBe('retried');
    expect(await until(here.late.find(['s']))).toMatchObject([{ status: 'pending', version: old!.version + 4 }]);
  });

  test('fails with STORE_BUSY if no read ever shows the state of the step', async () => {
    await until(there.submit('s'));
    await until(there.end('failed'));
    await advance(STALE);
    here.late.retry = () => Promise.resolve(['changed']);
    const error = await until(here.commands.retry('s').catch((thrown: unknown) => thrown));
    expect(error).toMatchObject({ code: 'STORE_BUSY' });
    expect(clients.now).toBe(2 * STALE);
  });
});
