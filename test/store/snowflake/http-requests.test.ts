/** The HTTP requests of a connection: recognised by their agent, ended with it, and repeated by the session alone. */
import { Agent, createServer, get, request, type ClientRequest } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { createLog } from '../../../src/log.js';
import { loadDriver, type Driver } from '../../../src/store/snowflake/session/driver.js';
import { HttpRequests } from '../../../src/store/snowflake/session/http-requests.js';
import { Secrets } from '../../../src/store/snowflake/session/secrets.js';
import { Session } from '../../../src/store/snowflake/session/session.js';
import { systemRuntime } from '../../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';

async function listening(server: Server): Promise<number> {
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A server that answers only the requests that ask for a reply. */
function someServer(): Promise<number> {
  const server = createServer(({ url }, response) => {
    if (url!.includes('answered')) response.writeHead(503).end();
    if (url!.includes('whole')) response.end();
  });
  onTestFinished(() => server.closeAllConnections());
  return listening(server);
}

/** An agent as the driver makes it for a connection with these options. */
function agentOf(options: object): Agent {
  const agentOptions = { keepAlive: true };
  const { agentClass } = options as { readonly agentClass?: (options: object) => { readonly protocol: string } };
  expect(agentClass?.(agentOptions).protocol ?? '').not.toMatch(/^https?:$/); // the driver makes its own
  const agent = new Agent(agentOptions);
  onTestFinished(() => agent.destroy());
  return agent;
}

/** How a request ends: with a status, or with the code of an error. */
async function outcome(request: ClientRequest): Promise<unknown> {
  return new Promise((resolve) => {
    request.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    request.once('response', (response) => resolve(response.resume().statusCode));
  });
}

/** How the driver reports a request that was ended. */
const ended = (): Error => Object.assign(new Error('Network error'), { cause: { code: 'ERR_CANCELED' } });

test('ends the requests of a connection, and no others', async () => {
  const requests = new HttpRequests();
  const ours = agentOf(requests.marking({}));
  const others = agentOf(new HttpRequests().marking({}));
  const port = await someServer();
  const send = (agent: Agent | undefined, path: string) => get({ host: '127.0.0.1', port, path, agent });
  const [mine, theirs, plain] = [send(ours, '/a'), send(others, '/a'), send(undefined, '/a')];
  const mineEnds = outcome(mine);
  await Promise.all([mine, theirs, plain].map((request) => once(request, 'socket')));
  requests.close();
  expect(await mineEnds).toBe('ERR_CANCELED');
  expect([theirs.destroyed, plain.destroyed]).toEqual([false, false]);
  // What is sent later too.
  expect(await outcome(send(ours, '/answered'))).toBe('ERR_CANCELED');
  expect(await outcome(send(others, '/answered'))).toBe(503);
  for (const request of [theirs, plain]) request.on('error', () => {}).destroy();
});

test('ends a request that the driver repeats when it starts, except for a login', async () => {
  const agent = agentOf(new HttpRequests().marking({}));
  const port = await someServer();
  const outcomeOf = (path: string) => outcome(get({ host: '127.0.0.1', port, path, agent }));
  expect(await outcomeOf('/answered?requestId=1')).toBe(503);
  expect(await outcomeOf('/answered?requestId=1&clientStartTime=2&retryCount=1')).toBe('ERR_CANCELED');
  expect(await outcomeOf('/session/v1/login-request?answered&retryCount=3')).toBe(503);
});

test('ends a request for a part of a large result only if the driver repeats it', async () => {
  const agent = agentOf(new HttpRequests().marking({}));
  const port = await someServer();
  const outcomeOf = (path: string) => outcome(get({ host: '127.0.0.1', port, path, agent }));
  const part = '/stage/part-1?signature=answered';
  // Each request of the session for the result tries the part once.
  for (let sent = 0; sent < 2; sent++) {
    expect(await outcomeOf(part)).toBe(503);
    expect(await outcomeOf(part)).toBe('ERR_CANCELED');
  }
  expect(await outcomeOf('/stage/part-2?signature=answered')).toBe(503);
  for (let fetched = 0; fetched < 2; fetched++) expect(await outcomeOf('/stage/part-3?signature=whole')).toBe(200);
  // The driver polls with the same request until the statement has ended; a repetition is marked as one.
  for (let asked = 0; asked < 2; asked++) expect(await outcomeOf('/queries/1/result?answered')).toBe(503);
});

test('ends statements and fetches of results once they are given up, and sends a cancel and a logout until it is closed', async () => {
  const requests = new HttpRequests();
  const agent = agentOf(requests.marking({}));
  const port = await someServer();
  const send = (path: string, method = 'POST') =>
    outcome(request({ host: '127.0.0.1', port, path, agent, method }).end());
  expect(await send('/queries/v1/query-request?answered')).toBe(503);
  requests.giveUpStatements();
  expect(await send('/queries/v1/query-request?answered')).toBe('ERR_CANCELED');
  expect(await send('/queries/a-query/result?answered', 'GET')).toBe('ERR_CANCELED');
  expect(await send('/part?answered', 'GET')).toBe('ERR_CANCELED');
  for (const path of [
    '/queries/v1/abort-request',
    '/queries/a-query/abort-request',
    '/session',
    '/session/token-request',
  ])
    expect(await send(`${path}?answered`), path).toBe(503);
  requests.close();
  expect(await send('/session?answered')).toBe('ERR_CANCELED');
});

test('keeps an agent that the user has chosen', () => {
  const agentClass = () => ({ protocol: 'https:' });
  expect(new HttpRequests().marking({ agentClass })).toEqual({ agentClass });
});

/** Pauses grow as long as they like, and nobody gives up. */
const UNLIMITED = { signal: new AbortController().signal, longestPauseMs: Infinity };

test('sends an ended request again, after growing pauses, until the caller gives up', async () => {
  const runtime = new VirtualRuntime({ seed: 1 });
  const requests = new HttpRequests();
  const at: number[] = [];
  const givenUp = new AbortController();
  const limits = { signal: givenUp.signal, longestPauseMs: Infinity };
  const sent = requests.repeating(runtime, limits, () => {
    at.push(runtime.monotonicMs());
    return at.length < 6 ? Promise.reject(ended()) : Promise.resolve('answered');
  });
  await runtime.advance(60_000);
  expect(await sent).toBe('answered');
  const pauses = at.slice(1).map((time, i) => time - at[i]!);
  expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
  expect(pauses.at(-1)!).toBeGreaterThan(4 * pauses[0]! - 1);

  const failing = requests.repeating(runtime, limits, () => Promise.reject(ended()));
  const failed = expect(failing).rejects.toThrow('Network error');
  givenUp.abort();
  await failed;
  const other = new Error('of another kind');
  await expect(requests.repeating(runtime, UNLIMITED, () => Promise.reject(other))).rejects.toBe(other);
});

test('pauses no longer than it may before it sends a request again', async () => {
  const runtime = new VirtualRuntime({ seed: 1 });
  const at: number[] = [];
  const sent = new HttpRequests().repeating(runtime, { ...UNLIMITED, longestPauseMs: 400 }, () => {
    at.push(runtime.monotonicMs());
    return at.length < 9 ? Promise.reject(ended()) : Promise.resolve('answered');
  });
  await runtime.advance(10_000);
  expect(await sent).toBe('answered');
  for (const [i, time] of at.slice(1).entries()) expect(time - at[i]!).toBeLessThanOrEqual(400);
});

test('sends a request again for two minutes at most, and then throws an error that says why', async () => {
  const runtime = new VirtualRuntime({ seed: 1 });
  const requests = new HttpRequests();
  const port = await someServer();
  await outcome(get({ host: '127.0.0.1', port, path: '/answered', agent: agentOf(requests.marking({})) }));
  const failing = requests.repeating(runtime, UNLIMITED, () => Promise.reject(ended()));
  const failed = expect(failing).rejects.toMatchObject({ message: 'Network error', cause: { code: 'HTTP 503' } });
  await runtime.advance(180_000);
  await failed;
});

/** A session whose settings are answered at once, and whose statements, cancels and logouts never. */
async function hangingSession() {
  const port = await someServer();
  const runtime = new VirtualRuntime({ seed: 1 });
  const sent: { readonly path: string; readonly outcome: Promise<unknown> }[] = [];
  let hung: (() => void) | undefined;
  const begun = new Promise<void>((resolve) => (hung = resolve));
  const driver: Driver = {
    createConnection(options) {
      const agent = agentOf(options!);
      const send = (path: string): void => {
        const posted = request({ host: '127.0.0.1', port, path, agent, method: 'POST' }).end();
        sent.push({ path, outcome: outcome(posted) });
        posted.once('socket', () => path.includes('logout') || hung!());
      };
      return {
        connect: (done: () => void) => done(),
        isUp: () => true,
        execute({ sqlText, complete }: { sqlText: string; complete: (...answer: unknown[]) => void }) {
          if (sqlText === 'settings') complete(undefined, undefined, []);
          else send('/statement');
          return { cancel: () => send('/cancel') };
        },
        destroy: () => send('/logout'),
      } as never;
    },
  };
  const session = new Session({
    ...{ runtime, log: createLog('store', console), driver: () => Promise.resolve(driver), source: {} },
    ...{ secrets: new Secrets(), settings: 'settings', deadlineMs: 60_000, longestPauseMs: 1_000 },
  });
  const failed = expect(session.run('a statement')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  await begun;
  return { session, runtime, failed, sent };
}

test('ends the requests of a session that closes, also if its logout is not answered', async () => {
  const { session, runtime, failed, sent } = await hangingSession();
  const closed = session.close();
  await runtime.advance(5_000);
  await Promise.all([failed, closed]);
  const outcomes = await Promise.all(sent.map((request) => request.outcome));
  expect(outcomes).toEqual(['ERR_CANCELED', 'ERR_CANCELED', 'ERR_CANCELED']);
});

test('ends the request of a statement that is given up, before its cancel is answered', async () => {
  const { session, runtime, failed, sent } = await hangingSession();
  await runtime.advance(61_000);
  await failed;
  expect(sent.map(({ path }) => path)).toEqual(['/statement', '/cancel', '/logout']);
  expect(await sent[0]!.outcome).toBe('ERR_CANCELED');
  const others = Promise.race(sent.slice(1).map((request) => request.outcome));
  expect(await Promise.race([others, sleep(50, 'not ended')])).toBe('not ended');
  const closed = session.close();
  await runtime.advance(5_000);
  await closed;
});

test('sends a statement again if the object store fails to return a part of its result', async () => {
  const statements: string[] = [];
  const data = (url: string): object => {
    if (url.startsWith('/session/v1/login-request'))
      return { token: 't', masterToken: 'm', sessionId: 1, parameters: [] };
    const part = { url: `http://127.0.0.1:${port}/part`, rowCount: 1, uncompressedSize: 5, compressedSize: 5 };
    const large = statements.length > 1; // the first sets up the session
    return {
      ...{
        queryId: `query ${statements.length}`,
        parameters: [],
        version: 1,
        statementTypeId: 4096,
        total: 1,
        returned: 1,
      },
      ...{ rowtype: [{ name: 'A', type: 'text', nullable: true, length: 9 }], queryResultFormat: 'json' },
      ...(large ? { rowset: [], chunks: [part] } : { rowset: [['x']] }),
    };
  };
  const server = createServer((request, response) => {
    const { url = '' } = request.resume();
    // A driver that repeats the part alone never gets it.
    if (url === '/part') return void response.writeHead(statements.length < 3 ? 503 : 200).end('["whole"]');
    if (url.startsWith('/queries/v1/query-request')) statements.push(/requestId=([^&]*)/.exec(url)![1]!);
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ success: true, data: data(url) }));
  });
  onTestFinished(() => server.closeAllConnections());
  const port = await listening(server);
  const source = { account: 'a', username: 'u', password: 'p', accessUrl: `http://127.0.0.1:${port}` };
  const session = new Session({
    ...{ runtime: systemRuntime, log: createLog('store', console), driver: loadDriver, source, secrets: new Secrets() },
    ...{ settings: 'settings', deadlineMs: 20_000, longestPauseMs: 1_000 },
  });
  onTestFinished(() => session.close());
  expect(await session.run('SELECT a')).toEqual([{ A: 'whole' }]);
  const [, first, ...again] = statements;
  expect(again).toEqual([first]);
});

test("recognises requests of the driver's own agents, and ends a login that is not answered", async () => {
  const sockets: Socket[] = [];
  const server = createTcpServer((socket) => void sockets.push(socket.on('error', () => {}).resume()));
  const port = await listening(server);
  const requests = new HttpRequests();
  const driver = await loadDriver();
  const options = { account: 'a', username: 'u', password: 'p', accessUrl: `https://127.0.0.1:${port}` };
  const connection = driver.createConnection(requests.marking({ ...options, sfRetryMaxLoginRetries: 7 }));
  const failed = new Promise((resolve) => connection.connect((error) => resolve(error)));
  await expect.poll(() => sockets.length).toBe(1);
  requests.close();
  expect(await failed).toMatchObject({ code: 401001 });
  await expect.poll(() => sockets.every((socket) => socket.closed)).toBe(true);
});
