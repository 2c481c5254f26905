/** The guard: who is let in, which pages, which bodies, and what an answer hides. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { Logger } from 'fleet-q';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { isLoopbackAddress, isLoopbackHost, addressToBind } from '../../src/http/guard/loopback.js';
import { isDeeperThan } from '../../src/http/guard/json-depth.js';
import { Guard, type GuardOptions } from '../../src/http/guard/guard.js';
import { readJson } from '../../src/http/guard/read-json.js';
import { TimeLimit } from '../../src/http/guard/time-limit.js';
import { Problem } from '../../src/http/problem.js';

const TOKEN = 'a-token-that-nobody-guesses';
const OTHER = 'another-token-for-the-rotation';
const URL_OF_API = 'http://api.example.com/api/stats';

type Options = Partial<GuardOptions & { openOnLoopback?: boolean }>;

function guardOf(options: Options = {}): Guard {
  const { openOnLoopback, ...rest } = options;
  return new Guard(rest, openOnLoopback);
}

function loggerOf(warn: (fields: { error?: unknown }) => void): Logger {
  const ignore = (): void => undefined;
  return { debug: ignore, info: ignore, warn, error: ignore };
}

/** The status and the code of the refusal; `undefined` if the request is served. */
async function refusal(
  guard: Guard,
  headers: Record<string, string> = {},
  { method = 'GET', url = URL_OF_API } = {},
): Promise<string | undefined> {
  const response = await guard.check('stats:read', new Request(url, { method, headers }));
  if (response === undefined) return undefined;
  const { code } = (await response.json()) as { code: string };
  return `${response.status} ${code}`;
}

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

describe('auth', () => {
  test('without it everything but the probes is refused', async () => {
    expect(await refusal(guardOf(), bearer(TOKEN))).toBe('401 UNAUTHENTICATED');
    expect(await guardOf().check(undefined, new Request(URL_OF_API))).toBeUndefined();
  });

  test('a token lets in who holds it, and nobody else', async () => {
    const guard = guardOf({ auth: TOKEN });
    expect(await refusal(guard, bearer(TOKEN))).toBeUndefined();
    expect(await refusal(guard, { authorization: `bearer  ${TOKEN} ` })).toBeUndefined();
    for (const authorization of ['', TOKEN, `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, 'Bearer'])
      expect(await refusal(guard, { authorization }), authorization).toBe('401 UNAUTHENTICATED');
    expect(await refusal(guard, { authorization: `Bearer ${TOKEN}, Bearer ${TOKEN}` })).toBe('401 UNAUTHENTICATED');
  });

  test('the hash of a token is no token', async () => {
    const hash = createHash('sha256').update(TOKEN).digest();
    for (const text of [hash.toString('hex'), hash.toString('base64')])
      expect(await refusal(guardOf({ auth: TOKEN }), bearer(text))).toBe('401 UNAUTHENTICATED');
  });

  test('of several tokens each lets in', async () => {
    const guard = guardOf({ auth: [TOKEN, OTHER] });
    expect(await refusal(guard, bearer(TOKEN))).toBeUndefined();
    expect(await refusal(guard, bearer(OTHER))).toBeUndefined();
    expect(await refusal(guard, bearer('neither-of-the-two-tokens'))).toBe('401 UNAUTHENTICATED');
  });

  test('the answer names the scheme, as HTTP asks', async () => {
    const response = await guardOf({ auth: TOKEN }).check('stats:read', new Request(URL_OF_API));
    expect(response?.headers.get('www-authenticate')).toBe('Bearer realm="fleet-q"');
  });

  test.each([
    ['', 'auth: expected a token of at least 16 characters, got one of 0'],
    ['too-short-secret', undefined],
    ['short-secret', 'auth: expected a token of at least 16 characters, got one of 12'],
    ['a token that has spaces', 'auth: expected a token of ASCII characters without spaces'],
    ['a-token-with-a-newline\n', 'auth: expected a token of ASCII characters without spaces'],
    ['ein-schlüssel-mit-umlaut', 'auth: expected a token of ASCII characters without spaces'],
    [[], 'auth: expected at least one token, got none'],
    [[TOKEN, 'short-secret'], 'auth[1]: expected a token of at least 16 characters, got one of 12'],
    [[TOKEN, 5], 'auth[1]: expected a token (text), got number'],
    [5, 'auth: expected a token, an array of tokens, or a function, got number'],
    [null, 'auth: expected a token, an array of tokens, or a function, got null'],
  ])('the token %j is checked, and is not part of the error', (auth, message) => {
    const make = () => guardOf({ auth: auth as never });
    if (message === undefined) return expect(make).not.toThrow();
    expect(make).toThrow(message);
    expect(make).not.toThrow(/secret|spaces-|umlaut/);
  });

  test.each([
    [true, undefined],
    [{ name: 'alice' }, undefined],
    [Promise.resolve(true), undefined],
    [false, '401 UNAUTHENTICATED'],
    [undefined, '401 UNAUTHENTICATED'],
    [null, '401 UNAUTHENTICATED'],
    ['alice', '401 UNAUTHENTICATED'],
    [1, '401 UNAUTHENTICATED'],
    [[], '401 UNAUTHENTICATED'],
    [new Response(null, { status: 401 }), '401 UNAUTHENTICATED'],
    [new Error('not allowed'), '401 UNAUTHENTICATED'],
  ])('a function that returns %o decides', async (answer, expected) => {
    expect(await refusal(guardOf({ auth: () => answer as never }))).toBe(expected);
  });

  test('a function that throws or rejects refuses, and the error is reported and not shown', async () => {
    const reported: unknown[] = [];
    const logger = loggerOf(({ error }) => void reported.push(error));
    const thrown = new Error('the session store at db.internal is away');
    const guards = [
      guardOf({
        logger,
        auth: () => {
          throw thrown;
        },
      }),
      guardOf({ logger, auth: async () => Promise.reject(thrown) }),
    ];
    for (const guard of guards) {
      const response = await guard.check('stats:read', new Request(URL_OF_API));
      expect(response?.status).toBe(401);
      expect(await response?.text()).not.toContain('db.internal');
    }
    expect(reported).toEqual([thrown, thrown]);
  });

  test('a function that never answers refuses in bound', async () => {
    const limit = new TimeLimit(5);
    const silent = () => new Promise<void>(() => undefined);
    await expect(limit.hold('auth', silent)).rejects.toThrow('auth did not answer within 5 ms');
    await expect(limit.hold('can', silent)).rejects.toThrow('can did not answer within 5 ms'); // nothing was left of it
  });

  test.each(['auth', 'can'])('a probe waits for half a second for %s, and leaves no timer behind', async (slow) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const silent = () => new Promise<boolean>(() => undefined);
    const guard = guardOf({ auth: () => true, [slow]: silent });
    const answer = guard.permits('pod:read', new Request(URL_OF_API));
    await vi.advanceTimersByTimeAsync(500);
    expect(await answer).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('can', () => {
  test('is asked with the action, the request and the principal, after auth', async () => {
    const can = vi.fn(() => true);
    const principal = { role: 'reader' };
    const guard = guardOf({ auth: (request) => request.headers.has('x-user') && principal, can });
    expect(await refusal(guard)).toBe('401 UNAUTHENTICATED');
    expect(can).not.toHaveBeenCalled();
    expect(await refusal(guard, { 'x-user': 'alice' })).toBeUndefined();
    expect(can).toHaveBeenCalledWith('stats:read', expect.any(Request), principal);
  });

  test.each([false, undefined, null, 1, 'yes', {}])('returning %j refuses', async (answer) => {
    expect(await refusal(guardOf({ auth: TOKEN, can: () => answer as never }), bearer(TOKEN))).toBe('403 FORBIDDEN');
  });

  test('throwing or rejecting refuses, and is reported', async () => {
    const report = vi.fn();
    const logger = loggerOf(report);
    const throwing: Options['can'] = () => {
      throw new Error('no');
    };
    expect(await refusal(guardOf({ auth: TOKEN, can: throwing, logger }), bearer(TOKEN))).toBe('403 FORBIDDEN');
    const rejecting: Options['can'] = async () => Promise.reject(new Error('no'));
    expect(await refusal(guardOf({ auth: TOKEN, can: rejecting, logger }), bearer(TOKEN))).toBe('403 FORBIDDEN');
    expect(report).toHaveBeenCalledTimes(2);
  });

  test('that is no function is refused when the handler is made', () => {
    expect(() => guardOf({ can: true as never })).toThrow('can: expected a function, got boolean');
  });
});

describe('a page of another site', () => {
  const guard = guardOf({ auth: TOKEN, allowedOrigins: ['https://ops.example.com', 'http://localhost:5173/'] });
  const posts = (headers: Record<string, string>, method = 'POST') =>
    refusal(guard, { ...bearer(TOKEN), host: 'api.example.com', ...headers }, { method });

  test.each([
    [{}, undefined],
    [{ 'sec-fetch-site': 'same-origin', origin: 'http://api.example.com' }, undefined],
    [{ 'sec-fetch-site': 'none' }, undefined],
    [{ origin: 'https://api.example.com' }, undefined], // TLS ends at a proxy
    [{ origin: 'https://ops.example.com', 'sec-fetch-site': 'same-site' }, undefined],
    [{ origin: 'http://localhost:5173', 'sec-fetch-site': 'cross-site' }, undefined],
    [{ 'sec-fetch-site': 'cross-site' }, '403 ORIGIN_REFUSED'],
    [{ 'sec-fetch-site': 'same-site' }, '403 ORIGIN_REFUSED'],
    [{ 'sec-fetch-site': 'nonsense' }, '403 ORIGIN_REFUSED'],
    [{ origin: 'https://evil.example' }, '403 ORIGIN_REFUSED'],
    [{ origin: 'http://api.example.com:8000' }, '403 ORIGIN_REFUSED'],
    [{ origin: 'http://api.example.com.evil.example' }, '403 ORIGIN_REFUSED'],
    [{ origin: 'null' }, '403 ORIGIN_REFUSED'],
    [{ origin: 'nonsense' }, '403 ORIGIN_REFUSED'],
    [{ origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' }, '403 ORIGIN_REFUSED'],
    [{ origin: 'http://ops.example.com' }, '403 ORIGIN_REFUSED'],
  ])('that sends %j cannot change anything', async (headers, expected) => {
    expect(await posts(headers as Record<string, string>)).toBe(expected);
  });

  test('is refused for every method but GET and HEAD', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
      expect(await posts({ origin: 'https://evil.example' }, method), method).toBe('403 ORIGIN_REFUSED');
    for (const method of ['GET', 'HEAD'])
      expect(await posts({ origin: 'https://evil.example' }, method), method).toBeUndefined();
  });

  test('reaches no function of the host', async () => {
    const auth = vi.fn(() => true);
    const headers = { origin: 'https://evil.example' };
    expect(await refusal(guardOf({ auth }), headers, { method: 'POST' })).toBe('403 ORIGIN_REFUSED');
    expect(auth).not.toHaveBeenCalled();
  });

  test.each([
    ['https://ops.example.com', 'allowedOrigins: expected an array of origins, got string'],
    [['ops.example.com'], "allowedOrigins[0]: expected an origin such as 'https://ops.example.com'"],
    [['https://a.example', 'https://b.example/path'], 'allowedOrigins[1]: expected an origin'],
    [['*'], 'allowedOrigins[0]: expected an origin'],
    [['null'], 'allowedOrigins[0]: expected an origin'],
    [['file:///'], 'allowedOrigins[0]: expected an origin'],
    [[5], "allowedOrigins[0]: expected an origin such as 'https://ops.example.com', without a path, got 5"],
  ])('allowedOrigins %j is refused when the handler is made', (allowedOrigins, message) => {
    expect(() => guardOf({ allowedOrigins: allowedOrigins as never })).toThrow(message);
  });
});

describe('a server without auth on this machine', () => {
  const guard = guardOf({ openOnLoopback: true });
  const asks = (headers: Record<string, string>, url = 'http://127.0.0.1:8000/api/stats') =>
    refusal(guard, headers, { url });

  test.each(['localhost:8000', 'LOCALHOST', '127.0.0.1:8000', '127.5.5.5', '[::1]:8000'])(
    'serves Host: %s',
    async (host) => {
      expect(await asks({ host })).toBeUndefined();
    },
  );

  test.each(['evil.example:8000', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1', '[::2]', 'a b', '@'])(
    'refuses Host: %s, which a rebound name would send',
    async (host) => {
      expect(await asks({ host })).toBe('403 HOST_REFUSED');
    },
  );

  test('refuses a foreign host in the URL, too', async () => {
    expect(await asks({ host: 'localhost' }, 'http://evil.example/api/stats')).toBe('403 HOST_REFUSED');
  });

  test.each(['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'])(
    'refuses a request that a proxy forwards (%s)',
    async (name) => {
      expect(await asks({ host: 'localhost', [name]: '203.0.113.5' })).toBe('403 HOST_REFUSED');
    },
  );

  test('is not open if there is auth', async () => {
    const both = guardOf({ openOnLoopback: true, auth: TOKEN });
    expect(await refusal(both, { host: 'localhost' })).toBe('401 UNAUTHENTICATED');
    expect(await refusal(both, { host: 'api.example.com', ...bearer(TOKEN) })).toBeUndefined();
  });

  test('asks `can`, too', async () => {
    const readOnly = guardOf({ openOnLoopback: true, can: () => false });
    expect(await refusal(readOnly, { host: 'localhost' }, { url: 'http://localhost/' })).toBe('403 FORBIDDEN');
  });
});

describe('the address to listen at', () => {
  test.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1', '0:0:0:0:0:0:0:1', 'localhost'])(
    '%s needs no auth',
    async (host) => {
      expect(isLoopbackAddress(await addressToBind(host, false))).toBe(true);
    },
  );

  test.each([
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '::ffff:0.0.0.0',
    '::ffff:10.0.0.1',
    'fe80::1',
    '::2',
    '0',
    '::ffff:7f00:1%1',
  ])('%s is refused without auth', async (host) => {
    await expect(addressToBind(host, false)).rejects.toMatchObject({
      name: 'ValidationError',
      code: 'OPTION_INVALID',
      field: 'host',
      message: expect.stringContaining(JSON.stringify(host)) as string,
    });
  });

  test('any address is allowed with auth', async () => {
    for (const host of ['0.0.0.0', '::', '10.0.0.1']) expect(await addressToBind(host, true)).toBe(host);
  });

  test('a name is refused if any of its addresses is not loopback, and the checked address is used', async () => {
    const to = (...addresses: readonly string[]) => [false, async () => addresses] as const;
    await expect(addressToBind('api.internal', ...to('127.0.0.1', '10.1.2.3'))).rejects.toThrow('without `auth`');
    expect(await addressToBind('me.internal', ...to('127.0.0.2', '::1'))).toBe('127.0.0.2');
    await expect(addressToBind('nowhere.internal', ...to())).rejects.toThrow('expected a name that resolves');
    const failing = async () => Promise.reject(new Error('ENOTFOUND'));
    await expect(addressToBind('nowhere.internal', true, failing)).rejects.toThrow(
      'host: expected a name that resolves to an address, got "nowhere.internal"',
    );
  });

  test.each([
    ['', '""'],
    [undefined, 'undefined'],
    [5, 'number'],
    [null, 'object'],
  ])('%j is no host', async (host, shown) => {
    await expect(addressToBind(host, true)).rejects.toThrow(
      `host: expected an address or a name to listen at, got ${shown}`,
    );
  });

  test('names of this machine are recognized', () => {
    for (const name of ['localhost', 'LocalHost', '[::1]', '127.0.0.1']) expect(isLoopbackHost(name), name).toBe(true);
    for (const name of ['', 'example.com', 'localhost.', 'xlocalhost', '[::]', '0.0.0.0', '1270.0.0.1'])
      expect(isLoopbackHost(name), name).toBe(false);
  });
});

describe('the body of a request', () => {
  const LIMITS = { maxBytes: 100 };
  const post = (body: unknown, headers: Record<string, string> = { 'content-type': 'application/json' }) =>
    new Request(URL_OF_API, { method: 'POST', body: body as never, headers, ...{ duplex: 'half' } });
  const statusOf = async (request: Request): Promise<unknown> => {
    try {
      return await readJson(request, LIMITS);
    } catch (error) {
      return error instanceof Problem ? `${error.status} ${error.code}: ${error.message}` : error;
    }
  };

  test('is parsed', async () => {
    expect(await statusOf(post('{"a":[1,"ü",null]}'))).toEqual({ a: [1, 'ü', null] });
    expect(await statusOf(post('1', { 'content-type': 'Application/JSON; Charset="UTF-8"' }))).toBe(1);
    expect(await statusOf(post('\uFEFF{}'))).toEqual({});
  });

  test('may be absent, and needs no type then', async () => {
    expect(await statusOf(post(undefined, {}))).toBeUndefined();
    expect(await statusOf(post('', {}))).toBeUndefined();
  });

  test.each([
    ['text/plain', '415'],
    ['application/x-www-form-urlencoded', '415'],
    ['multipart/form-data; boundary=x', '415'],
    ['application/json; charset=utf-16', '415'],
    ['application/json, text/plain', '415'],
    ['application/jsonp', '415'],
  ])('of type %s is refused', async (type, status) => {
    expect(await statusOf(post('{}', { 'content-type': type }))).toMatch(
      new RegExp(`^${status} MEDIA_TYPE_UNSUPPORTED`),
    );
  });

  test('without a type is refused', async () => {
    expect(await statusOf(post(new Blob(['{}']), {}))).toMatch(/^415 .*got ""$/);
  });

  test.each(['gzip', 'br', 'deflate', 'identity, gzip'])(
    'that is compressed (%s) is refused unread',
    async (encoding) => {
      const request = post('{}', { 'content-type': 'application/json', 'content-encoding': encoding });
      const shown = JSON.stringify(encoding);
      expect(await statusOf(request)).toMatch(new RegExp(`^415 .* send the body as it is: ${shown} is not decoded$`));
      expect(request.bodyUsed).toBe(false);
    },
  );

  test('of a long type is refused with the beginning of it', async () => {
    const type = `text/${'x'.repeat(300)}`;
    expect(await statusOf(post('{}', { 'content-type': type }))).toMatch(/^415 .*, got "text\/x{60,80}…$/);
  });

  test('that is announced too large is refused unread', async () => {
    const request = post('{}', { 'content-type': 'application/json', 'content-length': '101' });
    expect(await statusOf(request)).toBe('413 BODY_TOO_LARGE: the body has more than 100 bytes');
    expect(request.bodyUsed).toBe(false);
  });

  test('that is larger than announced is not read to its end', async () => {
    let pulled = 0;
    let cancelled = false;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled++;
        controller.enqueue(new Uint8Array(30));
      },
      cancel: () => void (cancelled = true),
    });
    const request = post(endless, { 'content-type': 'application/json', 'content-length': '5' });
    expect(await statusOf(request)).toMatch(/^413 /);
    expect(pulled).toBeLessThan(10);
    await expect.poll(() => cancelled).toBe(true);
  });

  test('is measured in bytes', async () => {
    expect(await statusOf(post(`"${'x'.repeat(98)}"`))).toBe('x'.repeat(98));
    expect(await statusOf(post(`"${'ü'.repeat(50)}"`))).toMatch(/^413 /);
  });

  test.each([
    ['{"a":}', /^400 BODY_MALFORMED: the body is not JSON: /],
    ['{} {}', /^400 BODY_MALFORMED: the body is not JSON: /],
    [Buffer.from([0x22, 0xff, 0x22]), /^400 BODY_MALFORMED: the body is not UTF-8$/],
  ])('%j is malformed', async (body, expected) => {
    expect(await statusOf(post(body))).toMatch(expected);
  });

  test('that breaks off is malformed', async () => {
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error('aborted')) });
    expect(await statusOf(post(broken))).toBe('400 BODY_MALFORMED: the body ended before it was complete');
  });

  test('that nests too deep is refused before it is parsed', async () => {
    const nested = (depth: number) => readJson(post('['.repeat(depth) + ']'.repeat(depth)), { maxBytes: 1_000_000 });
    await expect(nested(210)).resolves.toBeDefined();
    await expect(nested(211)).rejects.toThrow('the body nests deeper than 210 levels');
    await expect(nested(400_000)).rejects.toThrow('the body nests deeper than 210 levels');
  });

  test('brings no prototype', async () => {
    const value = (await readJson(
      post('{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}}}'),
      LIMITS,
    )) as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor']);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  test('the depth of a text is that of its value', () => {
    const depthOf = (value: unknown): number =>
      typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const [text, depth] = [JSON.stringify(value), depthOf(value)];
        expect(isDeeperThan(text, depth)).toBe(false);
        if (depth > 0) expect(isDeeperThan(text, depth - 1)).toBe(true);
      }),
    );
  });
});
