/** `queue.diagnose()`: the findings of a queue that is not open, of one that is started, and of one whose store fails. */
import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
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
