/** Waits and questions where a read may show late what another process has committed. */
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
  test('sees an end that its reads show long after the pulse has moved', async () => {
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

  test('asks no more once its reads have caught up with the pulse', async () => {
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

  test('asks once an hour under an unmoved pulse, so that it ends where reads are later than they should be', async () => {
    await until(there.submit('s'));
    await advance(STALE);
    const wait = outcome(here.waiter.wait('s'));
    await advance(3 * STALE);
    const { find } = here.late;
    let answered: Awaited<ReturnType<typeof find>> | undefined;
    here.late.find = async (ids) => (answered ??= await find.call(here.late, ids)); // it shows what it showed before
    await advance(WAIT_INTERVAL_MS);
    await until(there.end());
    await advance(10 * STALE);
    here.late.find = find;
    await advance(HOUR / 2);
    expect(wait.came).toBeUndefined();
    await advance(HOUR / 2);
    expect(wait.came).toBe(7);
  });

  test('for a step that another process has submitted just now is no error', async () => {
    await until(there.submit('s'));
    const wait = outcome(here.waiter.wait('s'));
    await advance(STALE - 1);
    expect(wait.came).toBeUndefined();
    await advance(1);
    await until(there.end());
    await advance(2 * STALE);
    expect(wait.came).toBe(7);
  });

  test('for a step that there is not fails after a second look, and asks for it alone until then', async () => {
    await advance(5_000);
    const wait = outcome(here.waiter.wait('nothing'));
    await advance(STALE - 1);
    expect(wait.came).toBeUndefined();
    await advance(WAIT_INTERVAL_MS);
    expect(wait.came).toBeInstanceOf(StepNotFoundError);
    expect(wait.at).toBeGreaterThanOrEqual(5_000 + STALE);
    expect(here.store.count('ended') + here.store.count('find')).toBeLessThanOrEqual(STALE / WAIT_INTERVAL_MS + 2);
  });

  test('is not failed by the absence that a wait before it has seen', async () => {
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

  test('begins anew to be missing when a look has shown the step meanwhile', async () => {
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

  test('that joined a question under way is not missing from before it began', async () => {
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

  test('that times out says nothing of a step that no read shows', async () => {
    await until(there.submit('s'));
    const wait = outcome(here.waiter.wait('s', { timeoutMs: 3_000 }));
    await advance(3_000);
    expect(wait.came).toMatchObject({ code: 'WAIT_TIMEOUT', status: undefined });
  });
});

describe('where reads are never late', () => {
  beforeEach(() => arrange(0));

  test('one question tells that there is no such step', async () => {
    await expect(until(here.waiter.wait('nothing'))).rejects.toThrow(StepNotFoundError);
    expect(clients.now).toBe(0);
    expect(here.store.count('ended') + here.store.count('find')).toBe(1);
  });

  test('one question follows a move of the pulse', async () => {
    await until(there.submit('s'));
    void outcome(here.waiter.wait('s'));
    await advance(HOUR / 4);
    const before = here.store.count('ended') + here.store.count('find');
    await until(there.submit('other'));
    await advance(HOUR / 4);
    expect(here.store.count('ended') + here.store.count('find')).toBe(before + 1);
  });

  test('a step that ends right after the question is found: the pulse was read before it', async () => {
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

  test('cancel looks again at once when the step has moved since it looked', async () => {
    await until(there.submit('s'));
    here.store.plan = ({ verb, nth }) => {
      if (verb === 'cancel' && nth === 0) void there.claim();
      return verb === 'cancel' && nth === 0 ? { delayMs: 100 } : undefined;
    };
    expect(await until(here.commands.cancel('s'))).toBe('cancelled');
    expect(clients.now).toBe(100);
    expect(here.store.count('cancel')).toBe(2);
  });

  test('cancel and getStep answer at once', async () => {
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
  test('finds a step that another process has submitted just now', async () => {
    await until(there.submit('s'));
    expect(await until(here.queries.get('s'))).toMatchObject({ stepId: 's', status: 'pending' });
  });

  test('finds a step of this process at once', async () => {
    await until(here.submit('s'));
    await until(here.queries.get('s'));
    expect(clients.now).toBe(0);
  });

  test('looks again after growing pauses, the last time when no read may be older, before there is no such step', async () => {
    const asked: number[] = [];
    here.store.plan = ({ verb }) => {
      if (verb === 'find') asked.push(clients.now);
      return undefined;
    };
    await expect(until(here.queries.get('nothing'))).rejects.toThrow(StepNotFoundError);
    expect(asked).toEqual([0, 1_000, 3_000, 7_000, 10_000]);
  });

  test('ends when the queue is stopped', async () => {
    const got = outcome(here.queries.get('nothing'));
    await advance(1_500);
    await until(here.stop());
    await clients.runtime.settle();
    expect(got.came).toBeInstanceOf(StoppedError);
    expect(got.at).toBe(1_500);
  });
});

describe('cancel', () => {
  test('finds a step that another process has submitted just now', async () => {
    await until(there.submit('s'));
    expect(await until(here.commands.cancel('s'))).toBe('cancelled');
  });

  test('answers notFound only after a second look', async () => {
    expect(await until(here.commands.cancel('nothing'))).toBe('notFound');
    expect(clients.now).toBe(STALE);
  });

  test('waits between its tries while it is shown an old version, and then cancels', async () => {
    await until(there.submit('s'));
    await advance(STALE);
    await until(here.late.find(['s']));
    await until(there.claim());
    const claimedAt = clients.now;
    expect(await until(here.commands.cancel('s'))).toBe('cancelled');
    expect(clients.now - claimedAt).toBe(STALE);
    expect(here.store.count('cancel')).toBeLessThanOrEqual(6);
    expect(here.told.of('step:cancelled')).toMatchObject([{ stepId: 's', by: 'caller' }]);
  });

  test('ends where no read ever shows how the step stands', async () => {
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

  test('ends where the step changes between each look and the write after it', async () => {
    await until(there.submit('s'));
    await advance(STALE);
    let version = 1;
    const [record] = await until(here.late.find(['s']));
    here.late.find = () => Promise.resolve([{ ...record!, version: version++ }]);
    here.late.cancel = () => Promise.resolve(['changed']);
    const error = await until(here.commands.cancel('s').catch((thrown: unknown) => thrown));
    expect(error).toMatchObject({ code: 'STORE_BUSY' });
  });

  test('does not call a step terminal that another process has made pending just now', async () => {
    await until(there.submit('s'));
    await until(there.end('failed'));
    await advance(STALE);
    expect(await until(there.commands.retry('s'))).toBe('retried');
    expect(await until(here.commands.cancel('s'))).toBe('cancelled');
  });

  test('looks again where the write does not find what the read has shown', async () => {
    await until(here.submit('s'));
    const { cancel } = here.late;
    here.late.cancel = (...args) => {
      here.late.cancel = cancel;
      return Promise.resolve(args[1].map(() => 'notFound'));
    };
    expect(await until(here.commands.cancel('s'))).toBe('cancelled');
  });

  test('answers alreadyTerminal at once for a step that has completed', async () => {
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
  ])('answers cancelled where its own write went through and looked like none: %s', async (_, isHidden) => {
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
    expect(here.told.of('step:cancelled')).toHaveLength(1);
  });
});

describe('retry', () => {
  test('retries a step that has failed just now in another process', async () => {
    await until(there.submit('s'));
    await advance(STALE);
    await until(there.end('failed'));
    expect(await until(here.commands.retry('s'))).toBe('retried');
    await advance(STALE);
    expect(await until(here.queries.get('s'))).toMatchObject({ status: 'pending' });
  });

  test('answers notFound, and notRetryable for an open step, only after a second look', async () => {
    expect(await until(here.commands.retry('nothing'))).toBe('notFound');
    expect(clients.now).toBe(STALE);
    await until(here.submit('s'));
    expect(await until(here.commands.retry('s'))).toBe('notRetryable');
    expect(clients.now).toBe(2 * STALE);
  });

  test('looks again where the write does not find what the read has shown', async () => {
    await until(here.submit('s'));
    await until(here.commands.cancel('s'));
    const { retry } = here.late;
    here.late.retry = (steps) => {
      here.late.retry = retry;
      return Promise.resolve(steps.map(() => 'notFound'));
    };
    expect(await until(here.commands.retry('s'))).toBe('retried');
  });

  test('answers notRetryable at once for a step that has completed', async () => {
    await until(there.submit('s'));
    await until(there.end());
    await advance(STALE);
    expect(await until(here.commands.retry('s'))).toBe('notRetryable');
    expect(clients.now).toBe(STALE);
  });

  test('answers retried where the row has moved on from the failed version that a late read still shows', async () => {
    await until(there.submit('s'));
    await until(there.end('failed'));
    await advance(STALE);
    const old = await until(here.late.find(['s']));
    await until(there.commands.retry('s'));
    let looks = 0;
    const { find } = here.late;
    here.late.find = (ids) => (looks++ < 2 ? Promise.resolve(old) : find.call(here.late, ids));
    here.late.retry = () => Promise.resolve(['changed']); // what the Snowflake store says where its read is late as well
    expect(await until(here.commands.retry('s'))).toBe('retried');
    expect(looks).toBeGreaterThan(2);
  });

  test.each([
    ['another process', () => there],
    ['this process', () => here], // an end is written by another session than the one that reads
  ])('begins a step again that was retried and failed once more just now in %s', async (_, who) => {
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

  test('ends where no read ever shows how the step stands', async () => {
    await until(there.submit('s'));
    await until(there.end('failed'));
    await advance(STALE);
    here.late.retry = () => Promise.resolve(['changed']);
    const error = await until(here.commands.retry('s').catch((thrown: unknown) => thrown));
    expect(error).toMatchObject({ code: 'STORE_BUSY' });
    expect(clients.now).toBe(2 * STALE);
  });
});
