/** Clients that are slow, silent or gone, over real sockets: they lose their connection, and nobody else notices. */
import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished, describe, expect, test } from 'vitest';
import { serve, toNodeHandler, type ServeOptions, type Server } from 'fleet-q/http';
import { BoundedServer } from '../../src/http/guard/bounded-server.js';
import { DEFAULT_LIMITS } from '../../src/http/guard/server-limits.js';
import { newQueue } from '../support/queues.js';

const TOKEN = 'a-token-that-nobody-guesses';
const QUICK: ServeOptions = {
  port: 0,
  auth: TOKEN,
  headersTimeoutMs: 300,
  requestTimeoutMs: 300,
  answerTimeoutMs: 300,
  keepAliveTimeoutMs: 300,
  closeTimeoutMs: 300,
};

async function serving(options: ServeOptions = {}): Promise<Server> {
  const server = await serve(newQueue(), { ...QUICK, ...options });
  onTestFinished(() => server.close());
  return server;
}

interface Client {
  readonly socket: Socket;
  /** What the server has sent. */
  received(): string;
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<unknown>;
}

async function client({ port }: { readonly port: number }): Promise<Client> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined); // a reset closes it, too
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (data) => (text += data.toString('latin1')));
  return { socket, received: () => text, closed };
}

/** The pod still answers others. */
async function answersOthers({ url }: Server): Promise<void> {
  expect((await fetch(`${url}/livez`)).headers.get('x-content-type-options')).toBe('nosniff');
}

const SUBMIT = `POST /submit HTTP/1.1\r\nhost: pod\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\n`;

/** Sends a text byte by byte, for as long as the connection lives. */
function trickle(socket: Socket, text: string, everyMs: number): void {
  let at = 0;
  const timer = setInterval(() => {
    if (socket.destroyed || at >= text.length) clearInterval(timer);
    else socket.write(text[at++] ?? '');
  }, everyMs);
  onTestFinished(() => clearInterval(timer));
}

describe('a client loses its connection', () => {
  test('if it connects and says nothing', async () => {
    const { closed, received } = await client(await serving());
    await closed;
    expect(received()).toMatch(/^(HTTP\/1.1 408 |$)/);
  });

  test('if it sends a byte of its headers now and then', async () => {
    const server = await serving({ requestTimeoutMs: 600_000 }); // that of the headers alone can end it
    const { socket, closed, received } = await client(server);
    trickle(socket, `GET /livez HTTP/1.1\r\nx-padding: ${'x'.repeat(10_000)}`, 20);
    await answersOthers(server);
    await closed;
    expect(received()).toMatch(
      /^HTTP\/1\.1 408 Request Timeout\r\n(?:.*\r\n)*content-security-policy: default-src 'none'/,
    );
  });

  test('if it sends a byte of its body now and then', async () => {
    const server = await serving();
    const { socket, closed } = await client(server);
    socket.write(`${SUBMIT}content-length: 10000\r\n\r\n`);
    trickle(socket, `{"type":"${'x'.repeat(9_000)}`, 20);
    await answersOthers(server);
    await closed;
  });

  test('if it never ends its chunks', async () => {
    const server = await serving();
    const { socket, closed } = await client(server);
    socket.write(`${SUBMIT}transfer-encoding: chunked\r\n\r\n`);
    trickle(socket, '1\r\n \r\n'.repeat(3_000), 5);
    await closed;
    await answersOthers(server);
  });

  test('if it is idle between two requests', async () => {
    const { socket, closed, received } = await client(await serving());
    socket.write('GET /livez HTTP/1.1\r\nhost: pod\r\n\r\n');
    await expect.poll(received).toContain('HTTP/1.1 ');
    await closed;
  });

  test('if it never reads its answer, and others are served meanwhile', async () => {
    const large = 'x'.repeat(50_000_000); // more than the kernel takes
    let ended = 0;
    const handler = toNodeHandler(({ url }) => new Response(url.endsWith('/large') ? large : 'small'), 300);
    const server = new BoundedServer((request, response) => {
      response.once('close', () => ended++);
      return handler(request, response);
    }, DEFAULT_LIMITS);
    const { port } = await server.listen('127.0.0.1', 0);
    onTestFinished(() => server.close());
    const { socket } = await client({ port });
    socket.pause();
    socket.write('GET /large HTTP/1.1\r\nhost: pod\r\n\r\n');
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('small');
    await expect.poll(() => ended).toBe(2);
  });

  test('if it sends requests without end and never reads an answer', async () => {
    const server = await serving();
    const { socket, closed } = await client(server);
    socket.pause();
    const requests = 'GET /livez HTTP/1.1\r\nhost: pod\r\n\r\n'.repeat(1_000);
    let isOver = false;
    void closed.then(() => (isOver = true));
    while (!isOver && !socket.destroyed) {
      if (!socket.write(requests)) await Promise.race([once(socket, 'drain'), closed]).catch(() => undefined);
    }
    await answersOthers(server);
  });
});

describe('a client keeps its connection', () => {
  test('if it has ended its side after the request: it gets its answer', async () => {
    const { socket, closed, received } = await client(await serving());
    socket.end('GET /livez HTTP/1.1\r\nhost: pod\r\n\r\n');
    await closed;
    expect(received()).toMatch(/^HTTP\/1\.1 (200|503) /);
  });

  test('if its handler takes longer than every limit', async () => {
    const handler = toNodeHandler(async () => {
      await new Promise((resolve) => setTimeout(resolve, 700));
      return new Response('late');
    }, 100);
    const limits = { ...DEFAULT_LIMITS, headersTimeoutMs: 100, requestTimeoutMs: 100, keepAliveTimeoutMs: 100 };
    const server = new BoundedServer(handler, limits);
    const { port } = await server.listen('127.0.0.1', 0);
    onTestFinished(() => server.close());
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('late');
  });
});

describe('more connections than allowed', () => {
  test('are closed at once, and a place that becomes free is used', async () => {
    const server = await serving({ maxConnections: 2, headersTimeoutMs: 5_000, requestTimeoutMs: 5_000 });
    const first = await client(server);
    const second = await client(server);
    const third = await client(server);
    await third.closed;
    first.socket.destroy();
    await first.closed;
    await expect
      .poll(async () =>
        fetch(`${server.url}/livez`).then(
          (response) => response.status,
          () => 'refused',
        ),
      )
      .toBeTypeOf('number');
    expect(second.socket.destroyed).toBe(false);
  });
});

describe('what is no HTTP', () => {
  test.each([
    ['nonsense\r\n\r\n', 400],
    ['GET /livez HTTP/1.1\r\n\r\n', 400], // no Host
    ['GET /livez HTTP/9.9\r\nhost: pod\r\n\r\n', 400],
    [`GET /livez HTTP/1.1\r\nhost: pod\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['POST /submit HTTP/1.1\r\nhost: pod\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['POST /submit HTTP/1.1\r\nhost: pod\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
    ['GET /livez HTTP/1.1\r\nhost: pod\r\nexpect: a miracle\r\n\r\n', 417],
    ['GET /livez HTTP/1.1\r\nhost: a b\r\n\r\n', 400],
    ['GET \\livez HTTP/1.1\r\nhost: pod\r\n\r\n', 400],
    ['GET http://pod:99999/livez HTTP/1.1\r\nhost: pod\r\n\r\n', 400],
    ['OPTIONS * HTTP/1.1\r\nhost: pod\r\n\r\n', 400],
  ])('is refused with the headers of every answer: %j', async (text, status) => {
    const { socket, received } = await client(await serving());
    socket.write(text);
    await expect.poll(received).toContain('\r\n\r\n');
    const [head = ''] = received().split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head.toLowerCase()).toContain("content-security-policy: default-src 'none'");
    expect(received()).not.toMatch(/at .+:\d+:\d+|node_modules/); // a stack
  });
});

test('the globals of Node.js are left alone', async () => {
  const { Request: requestBefore, Response: responseBefore } = globalThis;
  await answersOthers(await serving());
  expect(globalThis.Request).toBe(requestBefore);
  expect(globalThis.Response).toBe(responseBefore);
});

describe('close', () => {
  test('ends in bound with clients that send nothing, are slow, are idle, or are served', async () => {
    let release = (): void => undefined;
    const blocked = new Promise<void>((resolve) => (release = resolve));
    onTestFinished(() => release());
    const handler = toNodeHandler(async (request) => {
      if (request.url.endsWith('/slow')) await blocked;
      return new Response('ok');
    });
    const server = new BoundedServer(handler, { ...DEFAULT_LIMITS, closeTimeoutMs: 300 });
    const at = await server.listen('127.0.0.1', 0);
    const silent = await client(at);
    const slow = await client(at);
    slow.socket.write('POST /submit HTTP/1.1\r\nhost: pod\r\ncontent-length: 10\r\n\r\n{');
    const idle = await client(at);
    idle.socket.write('GET / HTTP/1.1\r\nhost: pod\r\n\r\n');
    await expect.poll(idle.received).toContain('ok');
    const served = await client(at);
    served.socket.write('GET /slow HTTP/1.1\r\nhost: pod\r\n\r\n');
    await server.close();
    await Promise.all([silent.closed, slow.closed, idle.closed, served.closed]);
    await server.close();
  });

  test('lets a request that is being served finish, and closes its connection', async () => {
    let release = (): void => undefined;
    let begun = false;
    const blocked = new Promise<void>((resolve) => (release = resolve));
    const handler = toNodeHandler(async () => {
      begun = true;
      await blocked;
      return new Response('finished');
    });
    const server = new BoundedServer(handler, DEFAULT_LIMITS);
    const at = await server.listen('127.0.0.1', 0);
    const { socket, received, closed } = await client(at);
    socket.write('GET / HTTP/1.1\r\nhost: pod\r\n\r\n');
    await expect.poll(() => begun).toBe(true);
    const closing = server.close();
    release();
    await closing;
    await closed;
    expect(received()).toContain('finished');
  });

  test.each(['before', 'after'] as const)(
    'lets all requests of a pipelined connection finish, if it begins %s the first answer',
    async (when) => {
      const gates = new EventEmitter();
      const begun: string[] = [];
      const handler = toNodeHandler(async ({ url }) => {
        const path = new URL(url).pathname;
        begun.push(path);
        await once(gates, path);
        return new Response(`finished ${path}`);
      });
      const server = new BoundedServer(handler, DEFAULT_LIMITS);
      const at = await server.listen('127.0.0.1', 0);
      const { socket, received, closed } = await client(at);
      socket.write(['/fast', '/slow'].map((path) => `GET ${path} HTTP/1.1\r\nhost: pod\r\n\r\n`).join(''));
      await expect.poll(() => begun).toEqual(['/fast', '/slow']);
      const closing = when === 'before' ? server.close() : undefined;
      gates.emit('/fast');
      await expect.poll(received).toContain('finished /fast');
      const ended = closing ?? server.close();
      gates.emit('/slow');
      await ended;
      await closed;
      expect(received()).toContain('finished /slow');
    },
  );
});
