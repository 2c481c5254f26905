/** `queue.diagnose()`: the findings of a queue that is not open, of one that is started, and of one whose store fails. */
import { existsSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { FleetQ, StoreError, type Finding, type StoreFactory } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { QUICK, stopped, temporaryPath } from '../support/queues.js';

const levels = (findings: readonly Finding[]): Record<string, string> =>
  Object.fromEntries(findings.map(({ check, level }) => [check, level]));
const found = (findings: readonly Finding[], check: string): Finding | undefined =>
  findings.find((one) => one.check === check);

const failing = (fail: () => never): StoreFactory => ({ name: 'odd', create: fail });

test('a queue that was never opened is diagnosed, and its file is not made', async () => {
  const path = temporaryPath();
  const queue = stopped(new FleetQ({ store: sqlite({ path }), ...QUICK }));
  const findings = await queue.diagnose();
  expect(levels(findings)).toMatchObject({ store: 'ok', file: 'warning', 'node-version': 'ok', 'this-pod': 'ok' });
  expect(found(findings, 'pods')).toBeUndefined();
  expect(existsSync(path)).toBe(false);
});

test('a started queue shows its pod, its leader and its steps', async () => {
  const queue = stopped(new FleetQ({ store: sqlite({ path: temporaryPath() }), ...QUICK }).register('work', () => 1));
  await queue.start();
  await queue.waitFor(await queue.submit({ type: 'work' }));
  const findings = await queue.diagnose();
  expect(levels(findings)).toMatchObject({
    'this-pod': 'ok',
    strays: 'ok',
    pods: 'ok',
    leader: 'ok',
    'pod-versions': 'ok',
  });
  expect(found(findings, 'this-pod')?.message).toContain(queue.podId);
  const names = findings.map(({ check }) => check);
  expect(new Set(names).size).toBe(names.length);
});

test('the steps of a type that nobody handles are named, as another process sees them', async () => {
  const store = sqlite({ path: temporaryPath() });
  const client = stopped(
    new FleetQ<{ lonely: { args: undefined; result: void } }>({ store, ...QUICK, unknownTypes: 'accept' }),
  );
  await client.submit({ type: 'lonely' });
  const other = stopped(new FleetQ({ store, ...QUICK }));
  const findings = await other.diagnose();
  expect(found(findings, 'unhandled-types')).toMatchObject({
    level: 'warning',
    message: expect.stringContaining('"lonely" (1 pending)') as string,
  });
  expect(found(findings, 'pods')).toMatchObject({ level: 'failure', message: 'No pod is live, and 1 step is due.' });
});

test('handlers that ignore their signal are counted by every process, by pod', async () => {
  const store = sqlite({ path: temporaryPath() });
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const pod = (podId: string) =>
    stopped(new FleetQ({ store, ...QUICK, podId, concurrency: 2, heartbeatIntervalMs: 100 }))
      .register(`${podId}-late`, () => ended, { timeoutMs: 50, maxRetries: 0 })
      .register(`${podId}-cancelled`, () => ended);
  onTestFinished(() => end());
  const [one, two, three] = [pod('one'), pod('two'), pod('three')];
  await Promise.all([one.start(), two.start(), three.start()]);
  const other = stopped(new FleetQ({ store, ...QUICK }));
  const strays = async (queue: FleetQ) => found(await queue.diagnose(), 'strays');
  expect(await strays(other)).toMatchObject({
    level: 'ok',
    message: 'No handler runs on after its claim was aborted.',
  });

  await one.submit({ type: 'one-late' });
  await expect
    .poll(() => strays(other), { timeout: 20_000 })
    .toMatchObject({
      level: 'warning',
      message: 'Handlers run on after their claims were aborted: one (1 of 2 slots).',
    });
  const [first, second] = await two.submitMany([{ type: 'two-late' }, { type: 'two-cancelled' }]);
  await expect.poll(async () => (await other.getStep(second!)).status).toBe('claimed');
  await other.cancel(second!);
  await expect
    .poll(() => strays(other), { timeout: 20_000 })
    .toMatchObject({
      level: 'failure',
      message: 'Handlers run on after their claims were aborted: two (2 of 2 slots), one (1 of 2 slots).',
      advice: expect.stringContaining('ctx.signal') as string,
    });
  expect(await strays(three)).toEqual(await strays(other));
  expect((await other.getStep(first!)).status).toBe('failed');

  end();
  await expect.poll(() => strays(other), { timeout: 20_000 }).toMatchObject({ level: 'ok' });
});

test('a store that cannot be made is one failure, and the checks of the process remain', async () => {
  const error = new StoreError('STORE_DRIVER_MISSING', 'there is no driver', false);
  const queue = stopped(
    new FleetQ({
      store: failing(() => {
        throw error;
      }),
    }),
  );
  const findings = await queue.diagnose();
  expect(found(findings, 'store')).toMatchObject({
    level: 'failure',
    message: 'STORE_DRIVER_MISSING: there is no driver',
  });
  expect(levels(findings)['node-version']).toBe('ok');
});

test('a store that cannot be opened is a failure, whose code and advice it says', async () => {
  const queue = stopped(new FleetQ({ store: sqlite({ path: '/proc/none/steps.db' }), ...QUICK }));
  await expect(queue.stats()).rejects.toMatchObject({ code: 'STORE_UNWRITABLE' });
  expect(found(await queue.diagnose(), 'file')).toMatchObject({
    ...{ level: 'failure', message: expect.stringContaining('STORE_UNWRITABLE') as string },
  });
});

test('a stopped queue diagnoses nothing', async () => {
  const queue = new FleetQ({ store: sqlite({ path: temporaryPath() }), ...QUICK });
  await queue.stop();
  await expect(queue.diagnose()).rejects.toMatchObject({ code: 'STOPPED' });
});
