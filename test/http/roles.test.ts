/**
 * Walks every route of the table × every role: a new route is covered by itself.
 *
 * A refused request must not have been read, and must not have reached the queue.
 */
import { describe, expect, test } from 'vitest';
import type { AnyFleetQ } from 'fleet-q';
import { createHandler, type Action, type HttpOptions } from 'fleet-q/http';
import { routesOf } from '../../src/http/routes.js';
import type { Route } from '../../src/http/route.js';
import { newQueue } from '../support/queues.js';

const TOKENS = {
  reader: 'the-token-of-the-reader',
  operator: 'the-token-of-the-operator',
  admin: 'the-token-of-the-admin',
} as const;
type Role = keyof typeof TOKENS;

const PROBES = ['/livez', '/readyz', '/startupz', '/health'];

const METRICS = { contentType: 'text/plain', metrics: () => 'fleetq_up 1' };

const ROUTES = routesOf({ maxSteps: 1_000, metrics: METRICS });

/** What each role may do: the reader reads, the operator handles steps too, the admin does everything. */
const MAY: Readonly<Record<Role, (action: Action) => boolean>> = {
  reader: (action) => action.endsWith(':read'),
  operator: (action) => action.endsWith(':read') || action.startsWith('steps:'),
  admin: () => true,
};

/** Rights as a host writes them: `auth` says who, `can` says what. */
function rights(asked: Action[] = []): HttpOptions {
  return {
    auth: ({ headers }) => {
      const token = headers.get('authorization')?.replace('Bearer ', '');
      const role = (Object.keys(TOKENS) as Role[]).find((name) => TOKENS[name] === token);
      return role !== undefined && { role };
    },
    can: (action, _, principal) => {
      asked.push(action);
      return MAY[(principal as { role: Role }).role](action);
    },
    metrics: METRICS,
  };
}

/** A queue that notes each property that is read of it. */
function untouched(): { readonly queue: AnyFleetQ; readonly touched: string[] } {
  const touched: string[] = [];
  const queue = new Proxy({} as AnyFleetQ, {
    get: (_, name) => {
      touched.push(String(name));
      const reached = new Error('reached');
      if (SYNCHRONOUS.has(name)) return () => raise(reached);
      return async () => Promise.reject(reached);
    },
  });
  return { queue, touched };
}

const SYNCHRONOUS = new Set<string | symbol>(['health', 'listSteps', 'pause', 'resume']);

function raise(error: Error): never {
  throw error;
}

/** A request for a route, with a body that notes when it is read. */
function requestFor({ method, path, body }: Route, headers: Record<string, string> = {}) {
  const state = { isRead: false };
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        state.isRead = true;
        controller.enqueue(Buffer.from(JSON.stringify(body?.example ?? {})));
        controller.close();
      },
    },
    { highWaterMark: 0 },
  );
  const url = `http://pod${path.replaceAll(/\{\w+\}/g, 'some-id')}`;
  const init = method === 'GET' ? {} : { body: stream, duplex: 'half' as const };
  const request = new Request(url, { method, headers: { 'content-type': 'application/json', ...headers }, ...init });
  return { request, state };
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const name = ({ method, path }: Route): string => `${method} ${path}`;
const guarded = ROUTES.filter(({ action }) => action !== undefined);

test('only the probes answer anyone', () => {
  expect(
    ROUTES.filter(({ action }) => action === undefined)
      .map(name)
      .toSorted(),
  ).toEqual(PROBES.map((path) => `GET ${path}`).toSorted());
  expect(guarded.length).toBeGreaterThan(4);
});

describe.each(guarded.map((route) => [name(route), route] as const))('%s', (_, route) => {
  const action = route.action!;

  test.each([
    ['nobody', {}],
    ['a wrong token', bearer('a-token-that-is-wrong')],
    ['a token as a query', {}],
    ['another scheme', { authorization: `Basic ${btoa(`admin:${TOKENS.admin}`)}` }],
  ])('refuses %s: 401, unread, and the queue is not reached', async (who, headers) => {
    const { queue, touched } = untouched();
    const asked: Action[] = [];
    const handler = createHandler(queue, rights(asked));
    touched.length = 0;
    const { request, state } = requestFor(route, headers);
    const asking =
      who === 'a token as a query' ? new Request(`${request.url}?token=${TOKENS.admin}`, request) : request;
    const response = await handler(asking);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    expect({ isRead: state.isRead, touched, asked }).toEqual({ isRead: false, touched: [], asked: [] });
  });

  test('without auth nobody is let in', async () => {
    const { queue, touched } = untouched();
    const handler = createHandler(queue, { can: () => true, metrics: METRICS });
    touched.length = 0;
    expect((await handler(requestFor(route, bearer(TOKENS.admin)).request)).status).toBe(401);
    expect(touched).toEqual([]);
  });

  test.each(Object.keys(TOKENS) as Role[])('asks can() once whether the %s may, and does as it says', async (role) => {
    const asked: Action[] = [];
    if (MAY[role](action)) {
      const { request } = requestFor(route, bearer(TOKENS[role]));
      const response = await createHandler(newQueue(), rights(asked))(request);
      expect([401, 403, 500]).not.toContain(response.status);
    } else {
      const { queue, touched } = untouched();
      const handler = createHandler(queue, rights(asked));
      touched.length = 0;
      const { request, state } = requestFor(route, bearer(TOKENS[role]));
      const response = await handler(request);
      expect(await response.json()).toMatchObject({ status: 403, code: 'FORBIDDEN' });
      expect({ isRead: state.isRead, touched }).toEqual({ isRead: false, touched: [] });
    }
    expect(asked).toEqual([action]);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('the directory at ldap.internal is away');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('the directory at ldap.internal is away'))],
    ['returns something else', () => 'yes' as never],
  ] as const)('is refused if can() %s', async (_how, can) => {
    const { queue, touched } = untouched();
    const handler = createHandler(queue, { ...rights(), can });
    touched.length = 0;
    const response = await handler(requestFor(route, bearer(TOKENS.admin)).request);
    expect(response.status).toBe(403);
    expect(await response.text()).not.toContain('ldap.internal');
    expect(touched).toEqual([]);
  });

  test('is refused for a page of another site if it changes anything', async () => {
    for (const foreign of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
      const { queue, touched } = untouched();
      const handler = createHandler(queue, rights());
      touched.length = 0;
      const { request, state } = requestFor(route, { ...bearer(TOKENS.admin), ...foreign });
      const { status } = await handler(request);
      if (route.method === 'GET') expect(status).not.toBe(403);
      else expect({ status, isRead: state.isRead, touched }).toEqual({ status: 403, isRead: false, touched: [] });
    }
  });

  test('is refused under every other spelling of its path', async () => {
    const { queue, touched } = untouched();
    const handler = createHandler(queue, rights());
    touched.length = 0;
    const path = route.path.replaceAll(/\{\w+\}/g, 'some-id');
    const [, first = ''] = path;
    const encoded = `/%${first.charCodeAt(0).toString(16)}${path.slice(2)}`;
    for (const spelling of [
      `${path}/`,
      `/${path}`,
      `/livez/..${path}`,
      path.toUpperCase(),
      encoded,
      `${path};x`,
      `${path}%00`,
    ]) {
      const { status } = await handler(new Request(`http://pod${spelling}`, { method: route.method }));
      expect([401, 404, 405], spelling).toContain(status);
    }
    expect(touched).toEqual([]);
  });
});

test('every answer has the security headers, and none of CORS', async () => {
  const handler = createHandler(newQueue(), rights());
  const requests = [
    ...ROUTES.map((route) => requestFor(route, bearer(TOKENS.admin)).request),
    ...ROUTES.map((route) => requestFor(route).request),
    new Request('http://pod/nowhere'),
    new Request('http://pod/submit', { method: 'DELETE' }),
    new Request('http://pod/submit', { method: 'OPTIONS', headers: { origin: 'https://evil.example' } }),
    new Request('http://pod/health', { method: 'HEAD' }),
  ];
  for (const request of requests) {
    const { headers } = await handler(request);
    expect(headers.get('content-security-policy'), request.url).toMatch(/^default-src 'none';.*frame-ancestors 'none'/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
    expect([...headers.keys()].filter((key) => key.startsWith('access-control-'))).toEqual([]);
  }
});
