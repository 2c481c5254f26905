/**
 * 100,000 requests that mean no good: random JSON, paths, queries and headers through the handler, and random bytes
 * through sockets.
 *
 * Nothing crashes, nothing is a 500, no answer shows a stack, and a refused request has written nothing. A run is repeated
 * with `FUZZ_SEED`, which a failure names as `seed`.
 */
import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { AnyFleetQ, Logger } from 'fleet-q';
import { createHandler, serve } from 'fleet-q/http';
import { sqlite } from 'fleet-q/sqlite';
import { routesOf } from '../../src/http/routes.js';
import { newQueue, temporaryPath } from '../support/queues.js';
import { rawConnection } from '../store/sqlite/support/files.js';

const seed = Number(process.env['FUZZ_SEED'] ?? 20_260_101);
const TOKEN = 'a-token-that-nobody-guesses';
const METRICS = { contentType: 'text/plain', metrics: () => 'fleetq_up 1' };
const ROUTES = routesOf({ maxSteps: 1_000, metrics: METRICS });
const WITHIN_MS = 600_000; // half a minute on a quiet machine

const HANDLED = { runs: 900, requests: 100 };
const SENT = { runs: 100, connections: 20, requests: 5 };
expect(HANDLED.runs * HANDLED.requests + SENT.runs * SENT.connections * SENT.requests).toBe(100_000);

/** A client's queue on a file, and the state of the file. It never starts, so that only requests write. */
async function target() {
  const path = temporaryPath();
  const queue = newQueue({ store: sqlite({ path }), unknownTypes: 'accept' } as never) as unknown as AnyFleetQ;
  await queue.connect();
  const raw = rawConnection(path);
  const changes = raw.prepare('PRAGMA data_version').pluck();
  const ids = raw.prepare('SELECT step_id FROM STEP_TRACKER').pluck();
  return {
    queue,
    /** Changes with every commit of the queue that wrote something. */
    version: () => changes.get() as number,
    stepIds: () => (ids.all() as string[]).sort(),
  };
}

/** A logger that keeps the errors that nobody expected. */
function unexpected(): { readonly logger: Logger; readonly errors: unknown[] } {
  const errors: unknown[] = [];
  const ignore = (): void => undefined;
  return { logger: { debug: ignore, info: ignore, warn: ignore, error: (fields) => errors.push(fields) }, errors };
}

const STACK = /\bat .{0,200}:\d+:\d+|node_modules|node:internal/;
const often = <T>(value: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: other });

/** Absent but for one time in ten. */
const rarely = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => often<unknown>(undefined, value);

const word = fc.string({ maxLength: 12, unit: 'binary' });
const text = fc.oneof(
  word,
  fc.constantFrom('', '__proto__', 'constructor', '../..', '\0', 'a'.repeat(300), '💥', '%', '?'),
);
const name = fc.oneof(text, fc.constantFrom('type', 'args', 'steps', 'dry_run', 'force', 'limit', 'status', 'after'));
const json = fc.oneof({ weight: 3, arbitrary: fc.jsonValue({ maxDepth: 2 }) }, { weight: 1, arbitrary: text });
const nested = fc.integer({ min: 1, max: 5_000 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth));

/** A step that is nearly right. */
const step = fc.record(
  {
    type: often<unknown>('a', json),
    args: json,
    metadata: often<unknown>({ user: 'alice' }, fc.oneof(fc.dictionary(name, json, { maxKeys: 2 }), json)),
    priority: often<unknown>(5, fc.oneof(fc.integer(), fc.double(), json)),
    max_retries: often<unknown>(0, fc.oneof(fc.integer({ min: -1, max: 5 }), json)),
    delay_ms: often<unknown>(1_000, fc.oneof(fc.integer(), json)),
    step_id: often<unknown>('s1', fc.oneof(fc.constant('s2'), text, json)),
    ...Object.fromEntries(['run_at', 'idempotency_key', 'prioritty'].map((key) => [key, rarely(json)])),
  },
  { requiredKeys: ['type'] },
);

const body: fc.Arbitrary<string | Uint8Array<ArrayBuffer>> = fc.oneof(
  { weight: 6, arbitrary: step.map((each) => JSON.stringify(each)) },
  { weight: 2, arbitrary: fc.array(step, { maxLength: 3 }).map((steps) => JSON.stringify({ steps })) },
  { weight: 2, arbitrary: fc.dictionary(name, json, { maxKeys: 3 }).map((each) => JSON.stringify(each)) },
  { weight: 2, arbitrary: json.map((each) => JSON.stringify(each)) },
  { weight: 1, arbitrary: text },
  { weight: 1, arbitrary: nested },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Uint8Array.from(bytes)) },
);

/** The path of a route, with anything in the place of its parameters, or any path. */
const route = fc
  .tuple(fc.constantFrom(...ROUTES), fc.oneof(fc.constantFrom('s1', 's2'), text))
  .map(([{ method, path }, id]) => ({ method, path: path.replaceAll(/\{\w+\}/g, encode(id)) }));
const query = fc
  .array(fc.tuple(name, text), { maxLength: 3 })
  .map((pairs) => pairs.map(([key, value]) => `${encode(key)}=${encode(value)}`).join('&'));
const tail = fc.oneof(
  { weight: 6, arbitrary: fc.constant('') },
  { weight: 3, arbitrary: query.map((each) => `?${each}`) },
  { weight: 1, arbitrary: text.map(encode) },
);

function encode(part: string): string {
  return encodeURIComponent(Buffer.from(part).toString());
}

const method = fc.constantFrom('GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'QUERY', 'x');
const HEADERS = [
  ...['origin', 'sec-fetch-site', 'host', 'content-length', 'content-encoding', 'transfer-encoding', 'accept'],
  ...[
    'x-forwarded-for',
    'cookie',
    'range',
    'if-none-match',
    'expect',
    'upgrade',
    'x-http-method-override',
    'traceparent',
  ],
];
const headers = fc
  .record({
    authorization: often(`Bearer ${TOKEN}`, fc.constantFrom('Bearer wrong', 'Basic x', '', `Bearer ${TOKEN}, x`)),
    'content-type': often('application/json', fc.constantFrom('text/plain', '', 'application/json; charset=x')),
    more: often<readonly [string, string][]>(
      [],
      fc.array(fc.tuple(fc.constantFrom(...HEADERS), text), { maxLength: 2 }),
    ),
  })
  .map(({ more, ...usual }) => ({ ...Object.fromEntries(more), ...usual }));

const asked = fc.record({ route, tail, body, headers, other: often<string | undefined>(undefined, method) });
type Asked = typeof asked extends fc.Arbitrary<infer T> ? T : never;

/** @returns `undefined` if no client can send it */
function requestOf({ route: at, tail: rest, body: content, headers: given, other }: Asked): Request | undefined {
  const sent = other ?? at.method;
  try {
    const withBody = sent === 'GET' || sent === 'HEAD' ? {} : { body: content };
    return new Request(`http://pod${at.path}${rest}`, { method: sent, headers: given, ...withBody });
  } catch {
    return undefined;
  }
}

test('random requests: no 500, and a refused one has written nothing', { timeout: WITHIN_MS }, async () => {
  const { queue, version, stepIds } = await target();
  const { logger, errors } = unexpected();
  const handler = createHandler(queue, { auth: TOKEN, logger, metrics: METRICS });
  const seen = new Map<number, number>();
  const created = new Set<string>();

  const ask = async (each: Asked): Promise<void> => {
    const request = requestOf(each);
    if (request === undefined) return;
    const before = version();
    const response = await handler(request);
    const { status } = response;
    const answer = await response.text();
    seen.set(status, (seen.get(status) ?? 0) + 1);
    if (status >= 400) expect(version(), `${request.method} ${request.url} ${status}`).toBe(before);
    expect(status === 503 || status < 500, `${request.method} ${request.url} ${status}: ${answer}`).toBe(true);
    expect(answer).not.toMatch(STACK);
    if (status >= 400 && status !== 503 && request.method !== 'HEAD')
      expect(JSON.parse(answer)).toMatchObject({ status, code: expect.any(String) as string });
    if (status < 300 && request.method === 'POST')
      for (const [, id = ''] of answer.matchAll(/"step_id":("(?:[^"\\]|\\.)*")/g))
        created.add(JSON.parse(id) as string);
  };

  await fc.assert(
    fc.asyncProperty(
      fc.array(asked, { minLength: HANDLED.requests, maxLength: HANDLED.requests, size: 'max' }),
      async (all) => {
        for (const each of all) await ask(each);
      },
    ),
    { seed, numRuns: HANDLED.runs, endOnFailure: true },
  );
  expect(errors).toEqual([]);
  expect(stepIds()).toEqual([...created].sort());
  // It is no use if everything is refused at the door.
  const often = [...seen].filter(([, times]) => times > 20).map(([status]) => status);
  expect(often).toEqual(expect.arrayContaining([200, 201, 400, 401, 404, 405, 415]));
});

const LINES = ROUTES.map(({ method: verb, path }) => `${verb} ${path.replaceAll(/\{\w+\}/g, 's1')}`);
/** A request on the wire: right, and then perhaps not quite. */
const wire = fc
  .record({
    line: fc.constantFrom(...LINES),
    content: step.map((each) => JSON.stringify(each)),
    isAuthorized: fc.boolean(),
    framing: fc.constantFrom('length', 'length', 'chunked', 'lie', 'none'),
    damage: fc.oneof(
      { weight: 3, arbitrary: fc.constant(undefined) },
      {
        weight: 1,
        arbitrary: fc.record({ at: fc.nat(400), remove: fc.nat(30), insert: fc.uint8Array({ maxLength: 8 }) }),
      },
    ),
  })
  .map(({ line, content, isAuthorized, framing, damage }) => {
    const length = Buffer.byteLength(content);
    const framed: Record<string, string> = {
      length: `content-length: ${length}\r\n\r\n${content}`,
      chunked: `transfer-encoding: chunked\r\n\r\n${length.toString(16)}\r\n${content}\r\n0\r\n\r\n`,
      lie: `content-length: ${length + 5}\r\n\r\n${content}`,
      none: `\r\n${content}`,
    };
    const end = line.startsWith('GET') ? '\r\n' : framed[framing];
    const authorization = isAuthorized ? `authorization: Bearer ${TOKEN}\r\n` : '';
    const text = `${line} HTTP/1.1\r\nhost: pod\r\ncontent-type: application/json\r\n${authorization}${end}`;
    const whole = Buffer.from(text);
    const at = Math.min(damage?.at ?? 0, whole.length);
    const { insert = Buffer.alloc(0), remove = 0 } = damage ?? {};
    const bytes = Buffer.concat([whole.subarray(0, at), insert, whole.subarray(at + remove)]);
    return { bytes, isDamaged: damage !== undefined || ['lie', 'none'].includes(framing) };
  });
const right = wire.filter(({ isDamaged }) => !isDamaged).map(({ bytes }) => bytes);
const anything = fc.oneof(
  { weight: 4, arbitrary: wire.map(({ bytes }) => bytes) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 60 }).map((each) => Buffer.from(each)) },
);
/** One connection: requests without a wait for answers. What is no HTTP ends it, so it comes last. */
const pipeline = fc
  .tuple(fc.array(right, { minLength: SENT.requests - 1, maxLength: SENT.requests - 1, size: 'max' }), anything)
  .map(([requests, last]) => [...requests, last]);

/** Sends all of it, and returns all that came back. */
async function exchange(port: number, requests: readonly Buffer[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => undefined); // the server may close a connection while we still send
  const received: Buffer[] = [];
  socket.on('data', (data: Buffer) => received.push(data));
  socket.setTimeout(60_000, () => socket.destroy(new Error('the server neither answers nor closes')));
  socket.end(Buffer.concat(requests));
  await closed;
  return Buffer.concat(received).toString('latin1');
}

test(
  'random bytes over sockets: no crash, no 500, and only what was answered 201 is written',
  { timeout: WITHIN_MS },
  async () => {
    const { queue, stepIds } = await target();
    const { logger, errors } = unexpected();
    const server = await serve(queue, {
      port: 0,
      auth: TOKEN,
      logger,
      headersTimeoutMs: 2_000,
      requestTimeoutMs: 2_000,
    });
    onTestFinished(() => server.close());
    const seen = new Map<string, number>();

    await fc.assert(
      fc.asyncProperty(
        fc.array(pipeline, { minLength: SENT.connections, maxLength: SENT.connections, size: 'max' }),
        async (pipelines) => {
          const answers = await Promise.all(pipelines.map((requests) => exchange(server.port, requests)));
          for (const answer of answers) {
            for (const [, status = ''] of answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)) {
              seen.set(status, (seen.get(status) ?? 0) + 1);
              expect(status === '503' || Number(status) < 500, answer.slice(0, 2_000)).toBe(true);
            }
            expect(answer).not.toMatch(STACK);
          }
        },
      ),
      { seed, numRuns: SENT.runs, endOnFailure: true },
    );
    expect(errors).toEqual([]);
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    // Whether the answer reached us depends on when the connection broke. Without the token nothing may be written at all.
    expect(stepIds().length).toBeGreaterThan(5);
    expect([...seen.keys()]).toEqual(expect.arrayContaining(['200', '201', '400', '401', '404']));
  },
);

test('random bytes of strangers write nothing', { timeout: WITHIN_MS }, async () => {
  const { queue, version } = await target();
  const server = await serve(queue, {
    port: 0,
    auth: `${TOKEN}-of-another`,
    headersTimeoutMs: 2_000,
    requestTimeoutMs: 2_000,
  });
  onTestFinished(() => server.close());
  const before = version();
  await fc.assert(
    fc.asyncProperty(fc.array(pipeline, { minLength: 4, maxLength: 4, size: 'max' }), async (pipelines) => {
      await Promise.all(pipelines.map((requests) => exchange(server.port, requests)));
    }),
    { seed: seed + 1, numRuns: 10, endOnFailure: true },
  );
  expect(version()).toBe(before);
});
