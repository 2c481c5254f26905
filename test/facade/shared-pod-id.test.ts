/** Queues of one process that share a podId: by mistake, or because a module was loaded twice. */
import { expect, onTestFinished, test } from 'vitest';
import { sqlite } from 'fleet-q/sqlite';
import { newQueue, nextEvent, temporaryPath } from '../support/queues.js';

/** Its next heartbeat by itself is far away, and it may drain for longer. */
const SLOW = { heartbeatIntervalMs: 60_000, deadAfterMs: 600_000, drainTimeoutMs: 200_000 } as const;

/** Warnings of the process about a shared podId, as they come. */
function warnings(): string[] {
  const texts: string[] = [];
  const listen = (warning: Error & { code?: string }): void => {
    if (warning.code === 'FLEET_Q_POD_ID_SHARED') texts.push(warning.message);
  };
  process.on('warning', listen);
  onTestFinished(() => void process.off('warning', listen));
  return texts;
}

test('the newer queue takes over at once, the older one finishes and leaves, and a warning names the option', async () => {
  const path = temporaryPath();
  const warned = warnings();
  let go = (): void => undefined;
  const finish = new Promise<void>((resolve) => (go = resolve));
  const [elder, younger] = ['elder', 'younger'].map((name) =>
    newQueue({ store: sqlite({ path }), podId: 'api', ...SLOW })
      .register('long', () => finish.then(() => name))
      .register('who', () => name),
  );
  if (elder === undefined || younger === undefined) throw new Error('two queues');
  const started = nextEvent(elder, 'step:started');
  const fenced = nextEvent(elder, 'pod:fenced');
  await elder.start();
  const long = await elder.submit({ type: 'long' });
  await started;
  await younger.start();
  expect(await fenced).toMatchObject({ podId: 'api', reason: 'superseded', recoverable: false });
  expect(await elder.waitFor(await elder.submit({ type: 'who' }))).toBe('younger');
  await expect.poll(() => warned).toEqual([expect.stringContaining('podId: "api" is the podId of another started')]);
  go();
  expect(await younger.waitFor(long)).toBe('elder');
  expect(younger.health().problems).toEqual([]);
});

test('a queue that has left permanently reports it, and reads the leader from the store', async () => {
  const path = temporaryPath();
  warnings();
  const make = () => newQueue({ store: sqlite({ path }), podId: 'api', heartbeatIntervalMs: 20, deadAfterMs: 5_000 });
  const [elder, younger] = [make(), make()];
  await elder.start();
  await younger.start();
  await expect.poll(() => elder.health().problems).toEqual(['the pod has left the fleet permanently: superseded']);
  expect(elder.health().isLeader).toBe(false);
  expect(await elder.leader()).toMatchObject({ currentLeader: 'api', activePods: 1, lastElectionCheckMs: 0 });
  await younger.stop();
  expect(await elder.leader()).toMatchObject({ currentLeader: null, activePods: 0 });
  expect(await elder.stats()).toMatchObject({ activePods: 0 });
});

test('no warning is given for one podId on two stores, on queues in sequence, or for no podId', async () => {
  const path = temporaryPath();
  const warned = warnings();
  for (const store of [sqlite({ path }), sqlite({ path: temporaryPath() }), sqlite({ path: ':memory:' })]) {
    await newQueue({ store, podId: 'api' }).start();
  }
  const first = newQueue({ store: sqlite({ path }), podId: 'worker' });
  await first.start();
  await first.stop();
  const others = [newQueue({ store: sqlite({ path }), podId: 'worker' }), newQueue({ store: sqlite({ path }) })];
  for (const queue of others) await queue.start();
  await new Promise((resolve) => setImmediate(resolve));
  expect(warned).toEqual([]);
  expect(await others[1]?.stats()).toMatchObject({ activePods: 3 });
});
