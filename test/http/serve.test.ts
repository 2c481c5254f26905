/** `serve`: where it listens, and what it refuses before it does. */
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { serve, type ServeOptions } from 'fleet-q/http';
import { newQueue } from '../support/queues.js';

const TOKEN = 'a-token-that-nobody-guesses';

async function serving(options: ServeOptions) {
  const server = await serve(newQueue(), { port: 0, ...options });
  onTestFinished(() => server.close());
  return server;
}

/** Whether anything listens there. */
function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

test.each(['0.0.0.0', '::', '::ffff:0.0.0.0'])('without auth %s is refused, and nothing listens', async (host) => {
  const { port, close } = await serving({});
  await close(); // a port that is free now
  await expect(serve(newQueue(), { host, port })).rejects.toMatchObject({
    name: 'ValidationError',
    code: 'OPTION_INVALID',
    field: 'host',
    message: expect.stringContaining(`got "${host}"`) as string,
  });
  expect(await listens(port)).toBe(false);
});

test('with auth it listens at any address', async () => {
  const { port, url } = await serving({ host: '0.0.0.0', auth: TOKEN });
  expect(url).toBe(`http://0.0.0.0:${port}`);
  expect((await fetch(`http://127.0.0.1:${port}/api/stats`)).status).toBe(401);
});

test('without auth it serves this machine', async () => {
  const { url, port } = await serving({});
  expect(url).toBe(`http://127.0.0.1:${port}`);
  expect((await fetch(`${url}/api/stats`)).status).toBe(200);
  expect((await fetch(`${url}/health`)).headers.get('x-frame-options')).toBe('DENY');
  expect(await (await fetch(`${url}/health`)).json()).toHaveProperty('pod_id');
});

test('a port that is taken, and one that is none, are refused by name', async () => {
  const { port } = await serving({});
  await expect(serve(newQueue(), { port })).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    field: 'port',
    message: `port: cannot listen at 127.0.0.1, port ${port}: another process listens there`,
  });
  for (const wrong of [-1, 65_536, 1.5, '80', NaN])
    await expect(serve(newQueue(), { port: wrong as number })).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      field: 'port',
      message: `port: expected a whole number from 0 to 65535, got ${typeof wrong === 'string' ? '"80"' : wrong}`,
    });
});

test.each([
  ['headersTimeoutMs', 0],
  ['requestTimeoutMs', '5s'],
  ['maxConnections', Infinity],
  ['closeTimeoutMs', 2 ** 31],
] as const)('the limit %s cannot be %j', async (field, value) => {
  await expect(serve(newQueue(), { port: 0, [field]: value })).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    field,
    message: `${field}: expected a whole number from 1 to 2147483647, got ${typeof value === 'string' ? '"5s"' : value}`,
  });
});

test('closing twice is closing once', async () => {
  const server = await serving({});
  await Promise.all([server.close(), server.close()]);
  expect(await listens(server.port)).toBe(false);
});
