/** The server as a whole: where it listens, how it ends, and that no value of a step breaks an answer. */
import { Agent, request as httpRequest } from 'node:http';
import { once } from 'node:events';
import { connect } from 'node:net';
import Database from 'better-sqlite3';
import { FleetQ, type AnyFleetQ } from 'fleet-q';
import { createHandler, serve } from 'fleet-q/http';
import { sqlite } from 'fleet-q/sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { faultySqlite, newQueue, stopped, temporaryPath } from '../support/queues.js';
import { serveApi, TOKEN } from './support/api.js';

describe('serve', () => {
  test('listens at a free port if asked for port 0', async () => {
    const [one, two] = await Promise.all([serveApi(newQueue()), serveApi(newQueue())]);
    expect(one.server.port).not.toBe(two.server.port);
    expect(one.server.url).toBe(`http://127.0.0.1:${one.server.port}`);
  });

  test('names the port that is taken', async () => {
    const { server } = await serveApi(newQueue());
    const second = serve(newQueue(), { port: server.port, auth: TOKEN });
    await expect(second).rejects.toMatchObject({
      name: 'ValidationError',
      code: 'OPTION_INVALID',
      field: 'port',
      message: `port: cannot listen at 127.0.0.1, port ${server.port}: another process listens there`,
    });
  });

  test.each([-1, 65_536, 80.5, '8000', Number.NaN])('refuses the port %s', async (port) => {
    await expect(serve(newQueue(), { port: port as number })).rejects.toMatchObject({ field: 'port' });
  });

  test('refuses an option that it does not know', async () => {
    await expect(serve(newQueue(), { hostname: '127.0.0.1' } as never)).rejects.toThrow(/hostname: is not known/);
  });

  test('serves under a base path only', async () => {
    const api = await serveApi(newQueue(), { basePath: '/ops/queue' });
    const { status, headers } = await api.post('/api/steps', { type: 'a', step_id: 'x y' });
    expect([status, headers.get('location')]).toEqual([201, '/ops/queue/api/steps/x%20y']);
    expect((await fetch(`http://127.0.0.1:${api.server.port}/api/steps`)).status).toBe(404);
  });
});

describe('close', () => {
  test('ends idle connections at once, and a second call waits for the first', async () => {
    const server = await serve(newQueue(), { port: 0, closeTimeoutMs: 60_000 });
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const request = httpRequest(`${server.url}/livez`, { agent });
    const [response] = (await once(request.end(), 'response')) as [NodeJS.ReadableStream];
    response.resume();
    await once(response, 'end');
    await Promise.all([server.close(), server.close()]);
    await expect(fetch(`${server.url}/livez`)).rejects.toThrow();
  });

  test('does not wait for a connection that has not sent a request', async () => {
    const server = await serve(newQueue(), {
      port: 0,
      closeTimeoutMs: 3_600_000,
      headersTimeoutMs: 3_600_000,
      requestTimeoutMs: 3_600_000,
    });
    const silent = connect(server.port, '127.0.0.1');
    onTestFinished(() => void silent.destroy());
    await once(silent, 'connect');
    await fetch(`${server.url}/livez`, { headers: { connection: 'close' } }); // the server has the other by now
    await server.close();
  });

  test('lets an answer in progress finish', async () => {
    let asked = (): void => undefined;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const store = faultySqlite(({ verb }) => {
      if (verb === 'list') asked();
      return verb === 'list' ? { replyDelayMs: 200 } : undefined;
    });
    const server = await serve(newQueue({ store }), { port: 0, auth: TOKEN, closeTimeoutMs: 60_000 });
    const answer = fetch(`${server.url}/api/steps`, { headers: { authorization: `Bearer ${TOKEN}` } });
    await isAsked;
    const closed = server.close();
    const response = await answer;
    expect([response.status, await response.json()]).toEqual([200, { steps: [], next: null }]);
    await closed;
  });
});

describe('a value that JSON cannot hold', () => {
  test('does not break the answer', async () => {
    const step = {
      ...{ stepId: 'x', type: 'a', status: 'completed', metadata: {}, priority: 0, retryCount: 0, attempt: 1 },
      ...{ maxRetries: 3, crashes: 0, runAt: Number.NaN, createdAt: 1e300, updatedAt: -Infinity, claimedBy: null },
      ...{ version: 1, error: undefined, args: { count: 10n }, result: [Number.NaN, Infinity, undefined, () => 1] },
    };
    const queue = { storeName: 'sqlite', getStep: async () => step } as unknown as AnyFleetQ;
    const handler = createHandler(queue, { auth: TOKEN });
    const headers = { authorization: `Bearer ${TOKEN}` };
    const response = await handler(new Request('http://pod/api/steps/x', { headers }));
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      args: { count: '10' },
      result: [null, null, null, null],
      run_at: '1970-01-01T00:00:00.000Z',
    });
  });

  test('that was written by hand and nests too deeply is left out', async () => {
    const path = temporaryPath();
    const queue = stopped(new FleetQ({ store: sqlite({ path }) }));
    const api = await serveApi(queue);
    await queue.submit({ type: 'a', stepId: 'deep' } as never);
    const database = new Database(path);
    const text = `{"type":"a","args":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    database.prepare('UPDATE STEP_TRACKER SET payload = ? WHERE step_id = ?').run(text, 'deep');
    database.close();
    for (const url of ['/api/steps/deep', '/api/steps'])
      expect((await api.get(url)).text, url).toContain('"omitted":{"args":"too-long"}');
  });
});
