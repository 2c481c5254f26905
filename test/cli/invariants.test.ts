/**
 * The invariants of single parts of the command line, in this process. The other tests run the built command, so they do not
 * detect a deliberate break of a source.
 */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { Writable } from 'node:stream';
import { FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FailedError, UsageError } from '../../src/cli/exit-codes.js';
import type { Io } from '../../src/cli/io.js';
import { Output } from '../../src/cli/output/output.js';
import { PodApi } from '../../src/cli/pod-api.js';
import { withQueue } from '../../src/cli/store-option.js';
import { apiOptions } from '../../src/cli/worker/api-options.js';
import { temporaryPath } from '../support/queues.js';

const TOKEN = 'a-token-of-thirty-two-characters';

describe('a queue of a verb', () => {
  const use = (path: string, access: 'existing' | 'create') =>
    withQueue({ env: {}, complain: async () => {} } as unknown as Io, { store: `sqlite:${path}` }, access, (queue) =>
      queue.submit({ type: 'work' } as never),
    );

  test('creates no file and no tables if the verb looks or acts on existing steps', async () => {
    const path = temporaryPath();
    await expect(use(path, 'existing')).rejects.toMatchObject({ code: expect.stringMatching(/^STORE_/) as string });
    expect(existsSync(path)).toBe(false);
  });

  test('creates them if the verb submits, and finds them afterwards', async () => {
    const path = temporaryPath();
    await use(path, 'create');
    await use(path, 'existing');
    const queue = new FleetQ({ store: sqlite({ path }) });
    onTestFinished(() => queue.stop());
    expect(await queue.stats()).toMatchObject({ pendingSteps: 2 });
  });
});

describe('an output', () => {
  const outputFailingWith = (code: string): Output => {
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error(code), { code })) });
    return new Output(stream as unknown as NodeJS.WriteStream);
  };

  test.each(['EPIPE', 'EIO'])('whose reader has gone (%s) is closed, and a write to it does nothing', async (code) => {
    const output = outputFailingWith(code);
    await output.line('one');
    await expect.poll(() => output.closed).toBe(true);
    await expect(output.line('two')).resolves.toBeUndefined();
  });

  test('that cannot be written fails the write, or the next', async () => {
    const output = outputFailingWith('ENOSPC');
    const both = output.line('one').then(() => output.line('two'));
    await expect(both).rejects.toMatchObject({ code: 'ENOSPC' });
  });
});

describe('a call of a pod', () => {
  const listening = async (server: Server): Promise<string> => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  test('sends its token to the address that was named, and nothing to where that redirects', async () => {
    let redirected = 0;
    const tokens: unknown[] = [];
    const elsewhere = await listening(
      createServer((socket) => {
        redirected++;
        socket.destroy();
      }),
    );
    const pod = createHttpServer((request, response) => {
      tokens.push(request.headers.authorization);
      response.writeHead(307, { location: elsewhere, connection: 'close' }).end();
    });
    const api = new PodApi({ FLEET_Q_API_TOKEN: TOKEN }, { url: await listening(pod) });
    const refusal: unknown = await api
      .post('/api/pause', {}, new AbortController().signal)
      .catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(FailedError);
    expect(String(refusal)).not.toContain(TOKEN);
    expect({ tokens, redirected }).toEqual({ tokens: [`Bearer ${TOKEN}`], redirected: 0 });
  });

  test.each(['\n', '\r\n', '\u0000', ' ', 'é', '密'])(
    'refuses a token with %j in it, and does not show it',
    (wrong) => {
      const token = `${TOKEN}${wrong}${TOKEN}`;
      const call = () => new PodApi({ FLEET_Q_API_TOKEN: token }, { url: 'http://127.0.0.1:1' });
      expect(call).toThrow(UsageError);
      expect(call).toThrow(/^FLEET_Q_API_TOKEN: expected printable ASCII without spaces$/);
    },
  );

  test('sends a token from a file that ends in a line break', async () => {
    const tokens: unknown[] = [];
    const pod = createHttpServer((request, response) => {
      tokens.push(request.headers.authorization);
      response.writeHead(200, { connection: 'close' }).end('{}');
    });
    const api = new PodApi({ FLEET_Q_API_TOKEN: `${TOKEN}\r\n` }, { url: await listening(pod) });
    await api.post('/api/pause', {}, new AbortController().signal);
    expect(tokens).toEqual([`Bearer ${TOKEN}`]);
  });
});

describe('a worker without a token', () => {
  test.each(['0.0.0.0', '::', '10.1.2.3', 'pod.example', '127.0.0.1.example', '128.0.0.1'])(
    'does not listen at %s',
    (host) => {
      expect(() => apiOptions({ host }, {})).toThrow(UsageError);
      expect(() => apiOptions({}, { FLEET_Q_API_HOST: host })).toThrow(/can be reached from other hosts/);
      expect(apiOptions({ host }, { FLEET_Q_API_TOKEN: TOKEN })).toMatchObject({ host, token: TOKEN });
    },
  );

  test.each(['localhost', '127.0.0.1', '127.8.8.8', '::1'])('listens at %s', (host) => {
    expect(apiOptions({ host }, {})).toMatchObject({ host, token: undefined });
  });
});
