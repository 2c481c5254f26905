/** What a request gets that cannot be served: each kind of error over a real socket, as the document says. */
import { connect } from 'node:net';
import { FleetQ, type Logger, type StoreFactory } from 'fleet-q';
import { createHandler } from 'fleet-q/http';
import { describe, expect, test, vi } from 'vitest';
import { StoreError } from '../../src/errors.js';
import type { Verb } from '../support/faulty-store.js';
import { faultySqlite, newQueue, QUICK, stopped } from '../support/queues.js';
import { serveApi, TOKEN, type Answered } from './support/api.js';

const away = (verb: Verb) => faultySqlite((call) => (call.verb === verb ? { fails: 'before' } : undefined));

/** A pod that leads the fleet. */
async function leading(store: StoreFactory): Promise<FleetQ> {
  const queue = newQueue({ store, podId: 'pod-a' });
  await queue.start();
  await expect.poll(() => queue.health().isLeader).toBe(true);
  return queue;
}

/** A problem that tells the client to repeat its request. */
function expectLater({ status, headers, body }: Answered): void {
  expect([status, body.code]).toEqual([503, 'STORE_UNAVAILABLE']);
  expect(headers.get('retry-after')).toMatch(/^\d+$/);
  expect(body.detail).toBe('the store does not answer now; repeat the request later');
}

describe('a path that is no route', () => {
  test.each(['/', '/api', '/api/step', '/submitt', '/status', '/status/', '/metrics', '//submit', '/api/steps/a/b/c'])(
    '%s is answered 404',
    async (path) => {
      const api = await serveApi(newQueue());
      const response = await fetch(`${api.server.url}${path}`, { headers: { authorization: `Bearer ${TOKEN}` } });
      expect(response.status).toBe(404);
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(await response.json()).toMatchObject({ code: 'ROUTE_NOT_FOUND' });
    },
  );

  test('a slash at the end makes no other route', async () => {
    const api = await serveApi(newQueue());
    expect((await api.get('/api/stats/')).status).toBe(200);
  });
});

describe('a method that a path does not have', () => {
  test.each([
    ['DELETE', '/submit', 'POST, OPTIONS'],
    ['GET', '/submit', 'POST, OPTIONS'],
    ['HEAD', '/submit', 'POST, OPTIONS'],
    ['PUT', '/api/steps', 'GET, POST, HEAD, OPTIONS'],
    ['PATCH', '/api/steps/x', 'GET, HEAD, OPTIONS'],
    ['POST', '/livez', 'GET, HEAD, OPTIONS'],
    ['PUT', '/api/steps/batch', 'POST, GET, HEAD, OPTIONS'],
    ['PROPFIND', '/api/stats', 'GET, HEAD, OPTIONS'],
  ])('%s %s is answered 405 with Allow', async (method, path, allow) => {
    const api = await serveApi(newQueue());
    const { status, headers, body, text } = await api.call(method, path);
    expect([status, headers.get('allow')]).toEqual([405, allow]);
    if (method === 'HEAD') expect(text).toBe('');
    else
      expect(body).toMatchObject({ code: 'METHOD_NOT_ALLOWED', detail: `there is no "${method}" here, only ${allow}` });
  });

  test('OPTIONS is answered with Allow, and HEAD as GET without a body', async () => {
    const api = await serveApi(newQueue());
    const options = await api.call('OPTIONS', '/api/steps');
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, POST, HEAD, OPTIONS']);
    expect(options.headers.get('access-control-allow-origin')).toBeNull();
    const head = await api.call('HEAD', '/api/steps');
    expect([head.status, head.text, head.headers.get('content-type')]).toEqual([200, '', 'application/json']);
  });
});

describe('a body that cannot be taken', () => {
  test.each<[string, string, number, string, RegExp]>([
    ['application/json', '{"type":"a"', 400, 'BODY_MALFORMED', /^the body is not JSON: /],
    ['application/json', 'null', 400, 'REQUEST_INVALID', /^body: expected an object, got null$/],
    ['application/json', '"a"', 400, 'REQUEST_INVALID', /^body: expected an object, got "a"$/],
    ['application/json', '[]', 400, 'REQUEST_INVALID', /^body: expected an object, got \[array of 0\]$/],
    ['application/json', '', 400, 'REQUEST_INVALID', /^the body is missing; send JSON$/],
    ['text/plain', '{"type":"a"}', 415, 'MEDIA_TYPE_UNSUPPORTED', /got "text\/plain"/],
    ['application/x-www-form-urlencoded', 'type=a', 415, 'MEDIA_TYPE_UNSUPPORTED', /urlencoded/],
  ])('%s %s', async (type, text, status, code, detail) => {
    const queue = newQueue();
    const api = await serveApi(queue);
    const answered = await api.call('POST', '/submit', { text, headers: { 'content-type': type } });
    expect(answered).toMatchObject({ status, body: { code } });
    expect(answered.body.detail).toMatch(detail);
    expect((await queue.listSteps().page()).steps).toEqual([]);
  });

  test('because it is too large', async () => {
    const queue = newQueue();
    const api = await serveApi(queue, { maxBodyBytes: 1_000 });
    const answered = await api.post('/submit', { type: 'a', args: 'x'.repeat(1_000) });
    expect(answered).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } });
    expect((await queue.listSteps().page()).steps).toEqual([]);
  });
});

describe('a store that does not answer', () => {
  test.each<[string, string, Verb, object?]>([
    ['POST', '/submit', 'submit', { type: 'a' }],
    ['POST', '/api/steps', 'submit', { type: 'a' }],
    ['GET', '/api/steps/x', 'find'],
    ['GET', '/api/steps', 'list'],
    ['GET', '/api/stats', 'stats'],
    ['GET', '/admin/queue', 'stats'],
    ['GET', '/status/x', 'find'],
    ['GET', '/idempotency/x', 'find'],
    ['POST', '/api/steps/x/cancel', 'find'],
    ['POST', '/api/steps/x/retry', 'find'],
    ['GET', '/api/pods', 'fleet'],
    ['GET', '/api/leader', 'fleet'],
    ['GET', '/admin/leader', 'fleet'],
  ])('%s %s is answered 503 with Retry-After', async (method, path, verb, sent) => {
    const api = await serveApi(newQueue({ store: away(verb) }));
    expectLater(await api.call(method, path, { body: sent }));
  });

  test('a batch of which nothing is stored is answered 503 with Retry-After, and names no step', async () => {
    const queue = newQueue({ store: away('submit') });
    const api = await serveApi(queue);
    const { status, headers, body } = await api.post('/api/steps/batch', { steps: [{ type: 'a' }, { type: 'b' }] });
    expect([status, body.code, body.step_ids]).toEqual([503, 'SUBMIT_INCOMPLETE', []]);
    expect(headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await queue.listSteps().page()).steps).toEqual([]);
  });

  test.each(['/api/recovery/run', '/admin/recovery/run'])(
    'POST %s of a pod that leads is answered 503 with Retry-After',
    async (path) => {
      const api = await serveApi(await leading(away('orphans')));
      expectLater(await api.post(path));
      expectLater(await api.post(path, { force: true, dry_run: true }));
    },
  );

  test.each<[string, object]>([
    ['/api/pods', { pods: [{ pod_id: 'pod-a' }] }],
    ['/api/leader', { current_leader: 'pod-a', active_pods: 1 }],
    ['/admin/leader', { current_leader: 'pod-a', active_pods: 1 }],
    ['/api/recovery/history', { cycles: [] }],
  ])('a started pod answers %s from what it has in memory', async (path, answer) => {
    const store = faultySqlite();
    const api = await serveApi(await leading(store));
    store.store.plan = () => ({ fails: 'before' });
    expect(await api.get(path)).toMatchObject({ status: 200, body: answer });
    store.store.plan = undefined; // it leaves the fleet when it stops
  });

  test('one that is broken asks for no repeat, and its message stays in the log', async () => {
    const error = new StoreError('STORE_CORRUPT', 'the file /secret/place/queue.db is damaged', false);
    const store = faultySqlite(({ verb }) => (verb === 'find' ? { fails: 'before', error } : undefined));
    const logged: object[] = [];
    const ignore = (): void => undefined;
    const logger = { debug: ignore, info: ignore, warn: ignore, error: (fields: object) => logged.push(fields) };
    const api = await serveApi(newQueue({ store }), { logger: logger as unknown as Logger });
    const { status, headers, text, body } = await api.get('/api/steps/x');
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'STORE_CORRUPT', null]);
    expect(text).not.toContain('/secret/place');
    expect(logged).toEqual([{ error, method: 'GET', route: '/api/steps/{step_id}' }]);
  });

  test('a batch that is stored in part names the steps that are', async () => {
    const failing = new StoreError('STORE_FULL', 'the disk is full', false);
    const store = faultySqlite(({ verb, nth }) =>
      verb === 'submit' && nth > 0 ? { fails: 'before', error: failing } : undefined,
    );
    const queue = newQueue({ store });
    const api = await serveApi(queue, { maxSteps: 5_000 });
    const steps = Array.from({ length: 3_000 }, (_, n) => ({ type: 'a', step_id: `s${n}` }));
    const { status, body } = await api.post('/api/steps/batch', { steps });
    expect([status, body.code]).toEqual([503, 'SUBMIT_INCOMPLETE']);
    const stored = body.step_ids as string[];
    expect(stored.length).toBeGreaterThan(0);
    expect(stored).toEqual(steps.slice(0, stored.length).map(({ step_id }) => step_id));
  });
});

describe('a pod that stops', () => {
  test('answers 503 with Retry-After once its store is closed', async () => {
    const queue = stopped(new FleetQ({ store: faultySqlite(), ...QUICK }));
    await queue.start();
    const api = await serveApi(queue);
    await queue.stop();
    for (const [method, path, body] of [
      ['POST', '/submit', { type: 'a' }],
      ['GET', '/api/steps', undefined],
      ['GET', '/admin/queue', undefined],
      ['POST', '/api/recovery/run', undefined],
      ['POST', '/api/pod/pause', undefined],
      ['POST', '/api/pod/resume', undefined],
    ] as const) {
      const answered = await api.call(method, path, { body });
      expect(answered, path).toMatchObject({ status: 503, body: { code: 'STOPPED' } });
      expect(answered.headers.get('retry-after'), path).toMatch(/^\d+$/);
    }
  });
});

describe('an unexpected error', () => {
  test('is answered 500, shows nothing of itself, and is logged', async () => {
    const thrown = new TypeError('a secret of the host');
    const logged: object[] = [];
    const logger = {
      debug: vi.fn(),
      info: vi.fn(),
      warn: vi.fn(),
      error: (fields: object) => logged.push(fields),
    } as unknown as Logger;
    const metrics = { contentType: 'text/plain', metrics: () => Promise.reject(thrown) };
    const api = await serveApi(newQueue(), { metrics, logger });
    const { status, text, body } = await api.get('/metrics');
    expect([status, body.code]).toEqual([500, 'INTERNAL']);
    expect(text).not.toMatch(/secret|TypeError|\.ts/);
    expect(logged).toEqual([expect.objectContaining({ error: thrown })]);
  });
});

describe('a client that goes away', () => {
  test('while its request is served leaves the server as it was', async () => {
    const store = faultySqlite(({ verb }) => (verb === 'list' ? { replyDelayMs: 100 } : undefined));
    const api = await serveApi(newQueue({ store }));
    const controller = new AbortController();
    const lost = fetch(`${api.server.url}/api/steps`, {
      headers: { authorization: `Bearer ${TOKEN}` },
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(), 20);
    await expect(lost).rejects.toThrow();
    expect((await api.get('/api/steps')).status).toBe(200);
  });

  test('in the middle of its body does no harm', async () => {
    const queue = newQueue();
    const api = await serveApi(queue);
    await new Promise<void>((resolve) => {
      const socket = connect(api.server.port, '127.0.0.1', () => {
        socket.write(
          `POST /submit HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\n` +
            'content-length: 100\r\n\r\n{"type":',
        );
        setTimeout(() => socket.destroy(), 50);
      });
      socket.on('close', () => resolve());
    });
    expect((await api.post('/submit', { type: 'a' })).status).toBe(201);
    expect((await queue.listSteps().page()).steps).toHaveLength(1);
  });
});

/** As much of a logger of winston as tells it from others. */
function winston(): object {
  const [log, transports, format] = [() => undefined, [], {}];
  return { debug: log, info: log, warn: log, error: log, configure: log, transports, format };
}

describe('the options of a handler', () => {
  test.each<[object, string, string]>([
    [{ basepath: '/queue' }, 'options.basepath', 'options.basepath: is not known; did you mean basePath?'],
    [{ basePath: 'queue' }, 'options.basePath', 'expected a path such as "/queue"'],
    [{ basePath: '/queue/' }, 'options.basePath', 'without a slash at its end'],
    [{ maxSteps: 0 }, 'options.maxSteps', 'expected a whole number from 1'],
    [{ maxBodyBytes: '1mb' }, 'options.maxBodyBytes', 'got "1mb"'],
    [{ metrics: {} }, 'options.metrics', 'expected what createMetrics returned'],
    [{ statsIntervalMs: -1 }, 'options.statsIntervalMs', 'expected milliseconds'],
    [{ logger: { error: () => undefined } }, 'options.logger', 'expected a logger with debug, info, warn and error'],
    [{ logger: winston() }, 'options.logger', 'pass messageFirst(logger)'],
  ])('refuse %j', (options, field, message) => {
    const make = (): unknown => createHandler(newQueue(), options);
    expect(make).toThrow(expect.objectContaining({ code: 'OPTION_INVALID', field }));
    expect(make).toThrow(message);
  });
});
