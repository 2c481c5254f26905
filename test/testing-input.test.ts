/** `testFleet`: wrong input is refused before anything happens, and nothing keeps the process alive. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { defineStep } from 'fleet-q';
import { testFleet, type TestFleet } from 'fleet-q/testing';
import { expect, test } from 'vitest';

const quick = defineStep({ type: 'quick', run: () => undefined });
const any = <T>(value: unknown): T => value as T;

test.each([
  [{ pods: 0 }, 'options.pods'],
  [{ now: 'today' }, 'options.now'],
  [{ seed: 1.5 }, 'options.seed'],
  [{ skipIdleTime: 1 }, 'options.skipIdleTime'],
  [{ onTime: 1 }, 'options.onTime'],
  [{ realTimeoutMs: 0 }, 'options.realTimeoutMs'],
  [{ maxRuns: 0 }, 'options.maxRuns'],
  [{ concurrency: 0 }, 'options.concurrency'],
  [{ store: { create: () => undefined } }, 'options.store'],
  [{ podId: 'mine' }, 'options.podId'],
  [{ pod: 2 }, 'options.pod'],
])('the options %j are refused', (options, field) => {
  expect(() => testFleet(any<object>(options))).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', field }));
});

test.each<[string, (fleet: TestFleet) => unknown, string]>([
  ['drain', (fleet) => fleet.drain({ withinMs: -1 }), 'options.withinMs'],
  ['drain', (fleet) => fleet.drain({ ignore: any('a') }), 'options.ignore'],
  ['drain', (fleet) => fleet.drain({ untilStep: '' }), 'options.untilStep'],
  ['drain', (fleet) => fleet.drain(any({ until: 'a' })), 'options.until'],
  ['advance', (fleet) => fleet.clock.advance(-1), 'ms'],
  ['advance', (fleet) => fleet.clock.advance(1, any({ whileRunning: 'yes' })), 'options.whileRunning'],
  ['advanceTo', (fleet) => fleet.clock.advanceTo(0), 'to'],
  ['sleep', (fleet) => fleet.clock.sleep(Number.NaN), 'ms'],
  ['addPod', (fleet) => fleet.addPod({ podId: 'pod-1' }), 'options.podId'],
  ['addPod', (fleet) => fleet.addPod({ steps: any([{}]) }), 'options.steps'],
  ['crashDuring', (fleet) => fleet.crashDuring(quick, { times: 0 }), 'options.times'],
  ['crashDuring', (fleet) => fleet.crashDuring(quick, { at: any('middle') }), 'options.at'],
  ['crashDuring', (fleet) => fleet.crashDuring(any('quik')), 'of'],
  ['crash', (fleet) => fleet.pods[0]?.crash({ restart: any(1) }), 'options.restart'],
  ['waitFor', (fleet) => fleet.queue.waitFor('a', { timeoutMs: 0 }), 'options.timeoutMs'],
  ['on', (fleet) => fleet.queue.on(any<'step:failed'>('step:done'), () => undefined), 'event'],
])('%s refuses wrong input: %s', async (_name, call, field) => {
  await using fleet = testFleet({ steps: [quick] });
  await fleet.queue.submit(quick);
  const called = new Promise((resolve) => resolve(call(fleet as never)));
  await expect(called).rejects.toMatchObject({ name: 'ValidationError', field });
  expect((await fleet.steps({ status: 'pending' })).length).toBe(1);
});

test('a crash outside a handler, or of a pod that does not run, is refused', async () => {
  await using fleet = testFleet({ steps: [quick] });
  await expect(fleet.crashHere()).rejects.toMatchObject({ code: 'NOT_STARTED' });
  expect(() => fleet.pods[0]?.crash()).toThrow('pod-1 does not run; it starts when time first moves');
});

test('a fleet that is dropped, with a pod that has crashed, lets the process exit', async () => {
  const project = fileURLToPath(new URL('..', import.meta.url));
  const program = `
    import { defineStep } from 'fleet-q';
    import { testFleet } from 'fleet-q/testing';
    const quick = defineStep({ type: 'quick', run: () => undefined });
    const fleet = testFleet({ steps: [quick], pods: 2 });
    await fleet.queue.submit(quick);
    fleet.crashDuring(quick);
    console.log((await fleet.drain()).runs);`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', program],
    { cwd: project, env: { ...process.env, TSX_TSCONFIG_PATH: `${project}tsconfig.json` }, timeout: 15_000 },
  );
  expect(stdout).toBe('2\n');
});
