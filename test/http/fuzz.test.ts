/**
 * More than 100,000 requests that mean no good: random JSON, paths, queries and headers through the handler, of a queue
 * that only submits and of a pod that runs, and random bytes through sockets.
 *
 * Nothing crashes, nothing is a 500, no answer shows a stack, a refused request has written nothing, and what was answered
 * is what is stored. A run is repeated with `FUZZ_SEED`, which a failure names as `seed`.
 */
import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { AnyFleetQ, FleetQ, Logger } from 'fleet-q';
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
/** `whole`: so many of the connections send nothing but requests that are read to their end. */
const SENT = { runs: 100, connections: 20, whole: 12, requests: 5 };
/** Beyond the 100,000: to a pod that runs, and of those that must not write. */
const TO_A_POD = { runs: 100, requests: 100 };
const HARMLESS = { runs: 20, connections: 10, requests: 5 };
expect(HANDLED.runs * HANDLED.requests + SENT.runs * SENT.connections * SENT.requests).toBe(100_000);

/** A client's queue on a file, and the state of the file. It is not started, so that only requests write. */
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

/** Asks a handler of the queue at random. @param version changes with every write; absent: others write, too */
async function askAtRandom(
  queue: AnyFleetQ,
  { runs, requests }: { readonly runs: number; readonly requests: number },
  version = (): number => 0,
) {
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
    fc.asyncProperty(fc.array(asked, { minLength: requests, maxLength: requests, size: 'max' }), async (all) => {
      for (const each of all) await ask(each);
    }),
    { seed, numRuns: runs, endOnFailure: true },
  );
  expect(errors).toEqual([]);
  return {
    created: [...created].sort(),
    /** The statuses that came often: more than 20 times of 90,000. */
    often: [...seen].filter(([, times]) => times > (runs * requests) / 4_500).map(([status]) => status),
  };
}

test('random requests: no 500, and a refused one has written nothing', { timeout: WITHIN_MS }, async () => {
  const { queue, version, stepIds } = await target();
  const { created, often: statuses } = await askAtRandom(queue, HANDLED, version);
  expect(stepIds()).toEqual(created);
  // It is no use if everything is refused at the door.
  expect(statuses).toEqual(expect.arrayContaining([200, 201, 400, 401, 404, 405, 415]));
});

test('random requests to a pod that runs: no 500, and it goes on', { timeout: WITHIN_MS }, async () => {
  const { queue, stepIds } = await target();
  (queue as FleetQ).register('a', (args: unknown) => {
    if (typeof args === 'string') throw new Error('no luck');
    return args;
  });
  await queue.start();
  await expect.poll(() => queue.health().isLeader).toBe(true); // otherwise recovery is refused
  const { created, often: statuses } = await askAtRandom(queue, TO_A_POD);
  expect(stepIds()).toEqual(created);
  expect(statuses).toEqual(expect.arrayContaining([200, 201, 400, 401, 404, 405, 409, 415]));
  queue.resume();
  expect(queue.health()).toMatchObject({ status: 'healthy', reasons: [] });
  const last = await queue.submit({ type: 'a', args: { n: 1 }, priority: 1_000_000_000 } as never);
  expect(await queue.waitFor(last)).toEqual({ n: 1 });
});

const SUBMITS = ['POST /submit', 'POST /api/steps', 'POST /api/steps/batch'];
const READ = ROUTES.filter(({ body: spec }) => spec !== undefined).map(({ method: verb, path }) => `${verb} ${path}`);
const LINES = ROUTES.map(({ method: verb, path }) => `${verb} ${path.replaceAll(/\{\w+\}/g, 's1')}`);
/** A request on the wire: right, and then perhaps not quite. */
const wire = fc
  .record({
    line: fc.constantFrom(...LINES),
    content: fc.oneof(
      step,
      step.map(({ step_id: _, ...anonymous }) => anonymous), // a step of its own
    ),
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
  .map(({ line, content: single, isAuthorized, framing, damage }) => {
    const content = JSON.stringify(line.endsWith('/batch') ? { steps: [single] } : single);
    const whole = onTheWire(line, content, { framing, token: isAuthorized ? TOKEN : undefined });
    const at = Math.min(damage?.at ?? 0, whole.length);
    const { insert = Buffer.alloc(0), remove = 0 } = damage ?? {};
    const bytes = Buffer.concat([whole.subarray(0, at), insert, whole.subarray(at + remove)]);
    const isDamaged = damage !== undefined || ['lie', 'none'].includes(framing);
    const isRead = line.startsWith('GET') || (isAuthorized && READ.includes(line));
    return { bytes, isDamaged, isAuthorized, isRead, maySubmit: isDamaged || (isAuthorized && SUBMITS.includes(line)) };
  });
const right = wire.filter(({ isDamaged }) => !isDamaged);

interface Sent {
  readonly bytes: Buffer;
  /** Whether it may submit a step. */
  readonly maySubmit: boolean;
}

/** What is no HTTP, or hardly. */
const raw: fc.Arbitrary<Sent> = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 200 }).map((each) => Buffer.from(each)),
    fc
      .array(
        fc.oneof(
          fc.constantFrom(
            'GET ',
            'POST ',
            '/submit',
            ' HTTP/1.1',
            ' HTTP/2',
            '\r\n',
            '\r\n\r\n',
            '\n',
            ': ',
            '\0',
            ' ',
          ),
          fc.constantFrom(
            'host: pod',
            'content-length: 9',
            'content-length: -1',
            'transfer-encoding: chunked',
            'ffffffff',
          ),
          fc.string({ maxLength: 5, unit: 'binary' }),
        ),
        { minLength: 1, maxLength: 20 },
      )
      .map((parts) => Buffer.from(parts.join(''))),
  )
  .map(refused);

const rights = (count: number, from: fc.Arbitrary<Sent> = right): fc.Arbitrary<Sent[]> =>
  fc.array(from, { minLength: count, maxLength: count, size: 'max' });

/** One connection that the server has no reason to close: a request with a body that nobody reads is one. */
const polite = rights(
  SENT.requests,
  right.filter(({ isRead }) => isRead),
);

/** One connection: requests without a wait for answers. What is no HTTP ends it, so it comes last. */
const pipeline: fc.Arbitrary<readonly Sent[]> = fc
  .tuple(
    rights(SENT.requests - 1),
    fc.oneof<fc.WeightedArbitrary<Sent>[]>({ weight: 4, arbitrary: wire }, { weight: 1, arbitrary: raw }),
  )
  .map(([requests, last]) => [...requests, last]);
/** One connection that ends as it should not, or begins so. */
const broken = fc.oneof<fc.WeightedArbitrary<readonly Sent[]>[]>(
  { weight: 1, arbitrary: pipeline },
  { weight: 1, arbitrary: fc.array(raw, { minLength: SENT.requests, maxLength: SENT.requests, size: 'max' }) },
);

/** Submissions with the token that no pod can take. */
const malformed = fc
  .record({
    line: fc.constantFrom(...SUBMITS),
    content: fc.oneof(
      fc.tuple(step, fc.nat(5)).map(([each, short]) => JSON.stringify(each).slice(0, -1 - short)),
      fc.uint8Array({ maxLength: 60 }).map((each) => Buffer.from(each).toString('latin1')),
      fc.constantFrom('', '{', '[]', 'null', '{"type":1}', '{"type":"a"}{"type":"a"}', '{"type":"a","__proto__":{}}'),
      nested,
    ),
    framing: fc.constantFrom('length', 'length', 'chunked'),
  })
  .map(({ line, content, framing }) => refused(onTheWire(line, content, { framing, token: TOKEN })));
/** One connection that may not write. */
const harmless = fc
  .tuple(
    rights(
      HARMLESS.requests - 1,
      fc.oneof(
        malformed,
        right.filter(({ isAuthorized }) => !isAuthorized),
      ),
    ),
    fc.oneof(
      malformed,
      raw,
      fc
        .tuple(fc.constantFrom(...SUBMITS), step, fc.constantFrom('lie', 'none'))
        .map(([line, each, framing]) => refused(onTheWire(line, JSON.stringify(each), { framing, token: TOKEN }))),
    ),
  )
  .map(([requests, last]) => [...requests, last]);

function refused(bytes: Buffer): Sent {
  return { bytes, maySubmit: false };
}

/** A request as bytes. @param framing how it says how long its body is: `lie` and `none` are wrong */
function onTheWire(line: string, content: string, { framing, token }: { framing: string; token: string | undefined }) {
  const length = Buffer.byteLength(content);
  const chunk = length === 0 ? '' : `${length.toString(16)}\r\n${content}\r\n`;
  const framed: Record<string, string> = {
    length: `content-length: ${length}\r\n\r\n${content}`,
    chunked: `transfer-encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`,
    lie: `content-length: ${length + 5}\r\n\r\n${content}`,
    none: `\r\n${content}`,
  };
  const end = line.startsWith('GET') ? '\r\n' : framed[framing];
  const authorization = token === undefined ? '' : `authorization: Bearer ${token}\r\n`;
  return Buffer.from(`${line} HTTP/1.1\r\nhost: pod\r\ncontent-type: application/json\r\n${authorization}${end}`);
}

/**
 * Sends all of it, and returns all that came back.
 *
 * @param wanted it ends its side when so many answers have come; 0: at once
 */
async function exchange(port: number, requests: readonly Sent[], wanted = 0): Promise<readonly Answer[]> {
  const socket = connect(port, '127.0.0.1');
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => undefined); // the server may close a connection while we still send
  const received: Buffer[] = [];
  socket.on('data', (data: Buffer) => {
    received.push(data);
    if (wanted > 0 && answersIn(Buffer.concat(received)).length >= wanted) socket.end();
  });
  socket.setTimeout(60_000, () => socket.destroy(new Error('the server neither answers nor closes')));
  socket.write(Buffer.concat(requests.map(({ bytes }) => bytes)));
  if (wanted === 0) socket.end();
  await closed;
  expect(Buffer.concat(received).toString('latin1')).not.toMatch(STACK);
  const answers = answersIn(Buffer.concat(received));
  for (const { status, head, body: content } of answers)
    expect(status === 503 || status < 500, head + content.slice(0, 2_000)).toBe(true);
  return answers;
}

interface Answer {
  readonly head: string;
  /** `NaN` if the head is none. */
  readonly status: number;
  readonly body: string;
}

/** The answers of a connection, without the last if it was cut off. */
function answersIn(bytes: Buffer): readonly Answer[] {
  const answers: Answer[] = [];
  for (let at = 0; at < bytes.length;) {
    const start = bytes.indexOf('\r\n\r\n', at) + 4;
    if (start < 4) break;
    const head = bytes.toString('latin1', at, start);
    at = start + Number(/^content-length: (\d+)\r$/im.exec(head)?.[1]);
    if (!(at <= bytes.length)) break; // or it has no length
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]);
    answers.push({ head, status, body: bytes.toString('utf8', start, at) });
  }
  return answers;
}

/** The steps that an answer says are stored. */
function submittedIn({ status, body }: Answer): string[] {
  if (status >= 300 || !body.startsWith('{')) return [];
  const answer = JSON.parse(body) as { steps?: readonly Receipt[] } & Receipt;
  return (answer.steps ?? [answer])
    .filter(({ receipt, status: said }) => receipt !== undefined || said === 'submitted')
    .map(({ step_id }) => step_id);
}

interface Receipt {
  readonly step_id: string;
  readonly receipt?: string;
  readonly status?: string;
}

async function serving(queue: AnyFleetQ, auth: string) {
  const { logger, errors } = unexpected();
  const limits = { headersTimeoutMs: 2_000, requestTimeoutMs: 2_000 };
  const server = await serve(queue, { port: 0, auth, logger, ...limits });
  onTestFinished(() => server.close());
  return { server, errors };
}

test(
  'random bytes over sockets: no crash, no 500, and only what was answered is written, but for answers cut off',
  { timeout: WITHIN_MS },
  async () => {
    const { queue, stepIds } = await target();
    const { server, errors } = await serving(queue, TOKEN);
    const seen = new Map<number, number>();
    const stored = new Set<string>();
    let unanswered = 0;

    /** Sends all at the same time, and checks what is stored then. */
    const send = async (pipelines: readonly (readonly Sent[])[], mayBeCut: boolean): Promise<void> => {
      const all = await Promise.all(
        pipelines.map((requests) => exchange(server.port, requests, mayBeCut ? 0 : requests.length)),
      );
      for (const { status } of all.flat()) seen.set(status, (seen.get(status) ?? 0) + 1);
      if (!mayBeCut) expect(all.map(({ length }) => length)).toEqual(pipelines.map(({ length }) => length));
      const answered = new Set(all.flat().flatMap(submittedIn));
      const cut = pipelines.flatMap((requests, i) =>
        requests.slice(all[i]?.length).filter(({ maySubmit }) => maySubmit),
      );
      const now = stepIds();
      expect(now).toEqual(expect.arrayContaining([...answered]));
      const silent = now.filter((id) => !stored.has(id) && !answered.has(id));
      expect(silent.length, silent.join()).toBeLessThanOrEqual(cut.length);
      unanswered += silent.length;
      for (const id of now) stored.add(id);
    };

    const { connections, whole, runs } = SENT;
    await fc.assert(
      fc.asyncProperty(
        fc.array(polite, { minLength: whole, maxLength: whole, size: 'max' }),
        fc.array(broken, { minLength: connections - whole, maxLength: connections - whole, size: 'max' }),
        async (right, wrong) => {
          await send(right, false);
          await send(wrong, true);
        },
      ),
      { seed, numRuns: runs, endOnFailure: true },
    );
    expect(errors).toEqual([]);
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    expect(stored.size).toBeGreaterThan(100);
    expect(unanswered).toBeLessThan(stored.size / 4);
    expect([...seen.keys()]).toEqual(expect.arrayContaining([200, 201, 400, 401, 404]));
  },
);

test('random bytes of strangers write nothing', { timeout: WITHIN_MS }, async () => {
  const { queue, version } = await target();
  const { server } = await serving(queue, `${TOKEN}-of-another`);
  const before = version();
  await fc.assert(
    fc.asyncProperty(fc.array(pipeline, { minLength: 4, maxLength: 4, size: 'max' }), async (pipelines) => {
      await Promise.all(pipelines.map((requests) => exchange(server.port, requests)));
    }),
    { seed: seed + 1, numRuns: 10, endOnFailure: true },
  );
  expect(version()).toBe(before);
});

test('malformed submissions and requests without the token write nothing', { timeout: WITHIN_MS }, async () => {
  const { queue, version } = await target();
  const { server, errors } = await serving(queue, TOKEN);
  const { connections, runs } = HARMLESS;
  const seen = new Map<number, number>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(harmless, { minLength: connections, maxLength: connections, size: 'max' }),
      async (pipelines) => {
        const before = version();
        const answers = await Promise.all(pipelines.map((requests) => exchange(server.port, requests)));
        for (const { status } of answers.flat()) seen.set(status, (seen.get(status) ?? 0) + 1);
        expect(version()).toBe(before);
      },
    ),
    { seed: seed + 2, numRuns: runs, endOnFailure: true },
  );
  expect(errors).toEqual([]);
  expect([...seen.keys()]).toEqual(expect.arrayContaining([200, 400, 401]));
  expect([...seen.keys()]).not.toContain(201);
});
