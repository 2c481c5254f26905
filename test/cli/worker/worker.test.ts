/** `fleet-q worker`, `serve` and `probe` as services: where they listen, how they start, and how they end. */
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { application, authorized, Service, status, TOKEN } from './service.js';

const STEPS = `
  import { setTimeout as pause } from 'node:timers/promises';
  import { defineStep } from 'fleet-q';
  export const double = defineStep({ type: 'double', run: ({ n }) => ({ doubled: n * 2 }) });
  export const wait = defineStep({ type: 'wait', run: async ({ ms }) => { await pause(ms); return 'waited'; } });
  export const stray = defineStep({ type: 'stray', run: () => { setTimeout(() => { throw new Error('nobody catches this'); }); return new Promise(() => {}); } });
`;

const started = (args: readonly string[] = ['worker', 'steps.mjs', '--port', '0'], env: NodeJS.ProcessEnv = {}) => {
  const folder = application({ 'steps.mjs': STEPS });
  return { folder, service: new Service(folder, args, env) };
};

/** A queue on the file of a worker, which only submits and reads. */
function clientOf(folder: string) {
  const queue = new FleetQ<{ double: Any; wait: Any; stray: Any; block: Any }>({
    store: sqlite({ path: path.join(folder, 'fleet-q.db') }),
  });
  onTestFinished(() => queue.stop());
  return queue;
}
type Any = { args: any; result: any };

describe.each(['worker steps.mjs', 'serve'])(
  'fleet-q %s is refused before anything is opened',
  { timeout: 60_000 },
  (verb) => {
    test.for([
      ['an address that others reach, without a token', ['--host', '0.0.0.0'], {}, '--host: 0.0.0.0 can be reached'],
      [
        'the same in the variable',
        [],
        { FLEET_Q_API_HOST: '::' },
        'FLEET_Q_API_HOST: :: can be reached from other hosts',
      ],
      [
        'an address with a port',
        ['--host', '127.0.0.1:80'],
        {},
        '--host: expected a host name or an address without a port',
      ],
      ['no port', ['--port', 'http'], {}, '--port: expected a port from 0 to 65535, got "http"'],
      [
        'a port that is too high',
        [],
        { FLEET_Q_API_PORT: '65536' },
        'FLEET_Q_API_PORT: expected a port from 0 to 65535',
      ],
      ['a short token', [], { FLEET_Q_API_TOKEN: 'hush' }, 'FLEET_Q_API_TOKEN: expected at least 16 characters, got 4'],
      [
        'a token that no header can carry',
        [],
        { FLEET_Q_API_TOKEN: `${TOKEN}\n` },
        'does the secret end in a line break?',
      ],
      ['an unknown log format', [], { FLEET_Q_LOG_FORMAT: 'xml' }, 'FLEET_Q_LOG_FORMAT'],
      [
        'a store that is none',
        ['--store', 'postgres'],
        {},
        '--store: expected sqlite:PATH or snowflake, got "postgres"',
      ],
      ['an unknown flag', ['--prot', '1'], {}, "unknown option '--prot' (Did you mean --port?)"],
    ] as const)('with %s', async ([, flags, env, message]) => {
      const { folder, service } = started([...verb.split(' '), ...flags], env);
      const { code, stdout, stderr } = await service.ended;
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain(message);
      expect(stderr).not.toMatch(/hush|a-token/);
      expect(existsSync(path.join(folder, 'fleet-q.db'))).toBe(false);
    });

    test('with a port that is taken', async () => {
      const { folder, service } = started([...verb.split(' '), '--port', String(await takenPort())]);
      const { code, stderr } = await service.ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(/port: cannot listen at 127\.0\.0\.1, port \d+: another process listens there/);
      expect(existsSync(path.join(folder, 'fleet-q.db'))).toBe(false);
    });
  },
);

describe('a worker', { timeout: 120_000 }, () => {
  test('runs steps, answers the probes to anybody and the API to the token, and ends with 0', async () => {
    const { folder, service } = started(undefined, { FLEET_Q_API_TOKEN: TOKEN, FLEET_Q_POD_ID: 'pod-1' });
    const url = await service.becomesReady();
    const client = clientOf(folder);
    expect(await client.waitFor(await client.submit({ type: 'double', args: { n: 21 } }))).toEqual({ doubled: 42 });
    expect(await Promise.all(['livez', 'readyz', 'startupz'].map((probe) => status(`${url}/${probe}`)))).toEqual([
      200, 200, 200,
    ]);
    expect(await Promise.all(['api/stats', 'metrics'].map((route) => status(`${url}/${route}`)))).toEqual([401, 401]);
    expect(
      await Promise.all(['api/stats', 'metrics'].map((route) => status(`${url}/${route}`, { headers: authorized }))),
    ).toEqual([200, 200]);
    expect(service.lines.find(({ message }) => message === 'the worker starts')).toMatchObject({
      ...{ level: 'info', podId: 'pod-1', types: ['double', 'stray', 'wait'] },
    });
    expect(await service.terminate()).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  test('without a token, serves this machine at a loopback address', async () => {
    const { service } = started();
    const url = await service.becomesReady();
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:/);
    expect(await status(`${url}/api/stats`)).toBe(200);
  });

  test('on SIGTERM is not ready at once, lets its step finish, and answers until it has left', async () => {
    const { folder, service } = started();
    const url = await service.becomesReady();
    const client = clientOf(folder);
    const stepId = await client.submit({ type: 'wait', args: { ms: 2_000 } });
    await expect.poll(async () => (await client.getStep(stepId)).status, { timeout: 20_000 }).toBe('claimed');
    service.child.kill('SIGTERM');
    await service.logs('stopping: claims nothing more, and lets running steps finish');
    expect(await status(`${url}/readyz`)).toBe(503);
    expect(await status(`${url}/livez`)).toBe(200);
    expect(await service.ended).toMatchObject({ code: 0, stderr: '' });
    expect(await client.getStep(stepId)).toMatchObject({ status: 'completed', result: 'waited', crashes: 0 });
  });

  test('on a second signal ends at once', async () => {
    const { folder, service } = started();
    await service.becomesReady();
    const client = clientOf(folder);
    const stepId = await client.submit({ type: 'wait', args: { ms: 60_000 } });
    await expect.poll(async () => (await client.getStep(stepId)).status, { timeout: 20_000 }).toBe('claimed');
    service.child.kill('SIGINT');
    await service.logs('stopping: claims nothing more, and lets running steps finish');
    expect(await service.terminate('SIGTERM')).toMatchObject({ code: 143, signal: null });
  });

  test('ends with 1 if an error is not caught, and the log has it on one line', async () => {
    const { folder, service } = started();
    await service.becomesReady();
    await clientOf(folder).submit({ type: 'stray', args: {} });
    const { code, stderr } = await service.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^\{.*"an error was not caught; the process ends with its steps unfinished".*nobody catches/m,
    );
  });

  test('retries while the store is away: it is alive, and neither started nor ready', async () => {
    const folder = application({
      'queue.mjs': `
        import { FleetQ, StoreError } from 'fleet-q';
        import { sqlite } from 'fleet-q/sqlite';
        import { existsSync, writeFileSync } from 'node:fs';
        const file = sqlite({ path: 'fleet-q.db' });
        const create = (environment) => {
          if (!existsSync('store-is-back')) throw new StoreError('STORE_UNAVAILABLE', 'the store is away', true);
          return file.create(environment);
        };
        export const queue = new FleetQ({ store: { name: 'sqlite', create } }).register('a', async () => 1);
      `,
    });
    const service = new Service(folder, ['worker', 'queue.mjs', '--port', '0']);
    const url = await service.url();
    await expect.poll(() => service.stderr.includes('trying again'), { timeout: 20_000 }).toBe(true);
    expect(await Promise.all(['livez', 'readyz', 'startupz'].map((probe) => status(`${url}/${probe}`)))).toEqual([
      200, 503, 503,
    ]);
    expect(existsSync(path.join(folder, 'fleet-q.db'))).toBe(false);
    writeFileSync(path.join(folder, 'store-is-back'), '');
    await service.becomesReady();
    expect((await service.terminate()).code).toBe(0);
  });

  test('that waits for its store ends on SIGTERM with 0', async () => {
    const folder = application({
      'queue.mjs': `
        import { FleetQ, StoreError } from 'fleet-q';
        const create = () => { throw new StoreError('STORE_UNAVAILABLE', 'the store is away', true); };
        export const queue = new FleetQ({ store: { name: 'sqlite', create } });
      `,
    });
    const service = new Service(folder, ['worker', 'queue.mjs', '--port', '0']);
    await service.url();
    await expect.poll(() => service.stderr.includes('trying again'), { timeout: 20_000 }).toBe(true);
    expect((await service.terminate()).code).toBe(0);
  });

  test('exits with 4 if the store refuses in a way that no retry mends', async () => {
    const { service } = started(undefined, { FLEET_Q_SQLITE_PATH: 'no/such/folder/queue.db' });
    const { code, stderr } = await service.ended;
    expect(code).toBe(4);
    expect(stderr).toContain('no/such/folder');
  });

  test('exits with 1 if another pod of the same podId supersedes it', async () => {
    const env = { FLEET_Q_POD_ID: 'the-same', FLEET_Q_HEARTBEAT_INTERVAL_SECONDS: '0.2' };
    const { folder, service } = started(undefined, env);
    await service.becomesReady();
    const younger = new Service(folder, ['worker', 'steps.mjs', '--port', '0'], env);
    const { code, stderr } = await service.ended;
    expect(code).toBe(1);
    expect(stderr).toContain('the pod has left the fleet permanently; stopping');
    expect((await younger.terminate()).code).toBe(0);
  });

  test('with --no-http serves nothing', async () => {
    const { service } = started(['worker', 'steps.mjs', '--no-http', '--host', '0.0.0.0']);
    await service.logs('started');
    expect(service.lines.map(({ message }) => message)).not.toContain('HTTP is listening');
    expect((await service.terminate()).code).toBe(0);
  });
});

describe('fleet-q serve', { timeout: 120_000 }, () => {
  test('submits for the token, runs nothing, and is no pod', async () => {
    const { service } = started(['serve', '--port', '0'], { FLEET_Q_API_TOKEN: TOKEN });
    const url = await service.becomesReady();
    const body = JSON.stringify({ type: 'double', args: { n: 1 } });
    const headers = { ...authorized, 'content-type': 'application/json' };
    expect(await status(`${url}/submit`, { method: 'POST', body, headers })).toBe(201);
    expect(
      await status(`${url}/submit`, { method: 'POST', body, headers: { 'content-type': 'application/json' } }),
    ).toBe(401);
    const stats = await fetch(`${url}/api/stats`, { headers: { ...authorized, connection: 'close' } });
    expect(await stats.json()).toMatchObject({ pending_steps: 1, active_pods: 0 });
    expect(await service.terminate()).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('fleet-q probe', { timeout: 120_000 }, () => {
  test('exits with 0 if the probe answers 200, and with 1 if not or if nobody answers', async () => {
    const { folder, service } = started();
    const url = await service.becomesReady();
    const probe = (...args: string[]) => new Service(folder, ['probe', ...args]).ended;
    expect(await probe('livez', '--url', url)).toMatchObject({ code: 0, stdout: `${url}/livez: 200\n` });
    expect(await probe('--url', url)).toMatchObject({ code: 0, stdout: `${url}/readyz: 200\n` });
    expect(await probe('livez', '--url', `${url}/elsewhere/`)).toMatchObject({ code: 1 });
    expect((await service.terminate()).code).toBe(0);
    expect(await probe('livez', '--url', url)).toMatchObject({ code: 1, stdout: `${url}/livez: ECONNREFUSED\n` });
  });

  test('finds a pod dead while a handler blocks its event loop, and alive afterwards', async () => {
    const folder = application({
      'steps.mjs': `
        import { existsSync, writeFileSync } from 'node:fs';
        import { defineStep } from 'fleet-q';
        const clock = new Int32Array(new SharedArrayBuffer(4));
        const run = () => {
          writeFileSync('is-blocked', '');
          while (!existsSync('go-on')) Atomics.wait(clock, 0, 0, 20);
          return 'went on';
        };
        export const block = defineStep({ type: 'block', run });
      `,
    });
    const service = new Service(folder, ['worker', 'steps.mjs', '--port', '0']);
    const url = await service.becomesReady();
    const client = clientOf(folder);
    const stepId = await client.submit({ type: 'block', args: {} });
    await expect.poll(() => existsSync(path.join(folder, 'is-blocked')), { timeout: 20_000 }).toBe(true);
    const livez = () => new Service(folder, ['probe', 'livez', '--url', url, '--timeout', '1s']).ended;
    expect(await livez()).toMatchObject({ code: 1, stdout: `${url}/livez: no answer within 1000 ms\n`, stderr: '' });
    writeFileSync(path.join(folder, 'go-on'), '');
    expect(await client.waitFor(stepId)).toBe('went on');
    expect(await livez()).toMatchObject({ code: 0, stdout: `${url}/livez: 200\n`, stderr: '' });
    expect((await service.terminate()).code).toBe(0);
  });

  test('finds the address by the variables that the worker has', async () => {
    const { folder, service } = started(undefined, { FLEET_Q_API_HOST: '0.0.0.0', FLEET_Q_API_TOKEN: TOKEN });
    const { port } = new URL(await service.becomesReady());
    const env = { FLEET_Q_API_HOST: '0.0.0.0', FLEET_Q_API_PORT: port };
    expect(await new Service(folder, ['probe', 'startupz'], env).ended).toMatchObject({
      ...{ code: 0, stdout: `http://127.0.0.1:${port}/startupz: 200\n` },
    });
  });

  test.each(['200', '200.5'])('gives up when the time is over: %s ms', async (ms) => {
    const url = `http://127.0.0.1:${await takenPort()}`;
    const { code, stdout } = await new Service(application(), ['probe', '--url', url, '--timeout', `${ms}ms`]).ended;
    expect({ code, stdout }).toEqual({ code: 1, stdout: `${url}/readyz: no answer within ${ms} ms\n` });
  });

  test.for([
    [
      'an unknown probe',
      ['alivez'],
      "'alivez' is invalid for argument 'probe'. Allowed choices are livez, readyz, startupz",
    ],
    ['no address', ['--url', 'localhost'], 'Expected an address such as http://127.0.0.1:8000'],
    ['no duration', ['--timeout', 'soon'], 'Expected a duration'],
  ] as const)('refuses %s', async ([, args, message]) => {
    const { code, stderr } = await new Service(application(), ['probe', ...args]).ended;
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

/** A port on which something listens that never answers. */
async function takenPort(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => void sockets.add(socket)).listen(0, '127.0.0.1');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}
