/**
 * The API mounted in frameworks, run for real: Hono, Express and Fastify in this process, and Next as a program of its
 * own, from the built package.
 */
import { serve as serveHono } from '@hono/node-server';
import { createServer, type Server as NodeServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { mount } from 'hono/mount';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createHandler, toNodeHandler, type HttpOptions } from 'fleet-q/http';
import { newQueue } from '../support/queues.js';

const TOKEN = 'a-token-that-nobody-guesses';
const auth = { authorization: `Bearer ${TOKEN}` };
const MOUNTED: HttpOptions = { basePath: '/ops', auth: TOKEN };

/** The handler of a started queue. */
async function handlerOf(options: HttpOptions = MOUNTED) {
  const queue = newQueue().register('greet', ({ name }: { name: string }) => `Hello, ${name}.`);
  await queue.start();
  return createHandler(queue, options);
}

async function listening(server: NodeServer): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return addressOf(server);
}

function addressOf(server: NodeServer): string {
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What a user relies on, wherever the API is mounted. */
async function holds(url: string, base = '/ops'): Promise<void> {
  const at = (path: string, init: RequestInit = {}) =>
    fetch(`${url}${base}${path}`, { ...init, headers: { ...auth, ...(init.headers as Record<string, string>) } });
  const post = (path: string, body: unknown) =>
    at(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

  expect((await fetch(`${url}${base}/livez`)).status).toBe(200);
  expect((await fetch(`${url}${base}/livez`, { method: 'HEAD' })).status).toBe(200);
  expect((await fetch(`${url}${base}/openapi.json`)).status).toBe(401);

  const submitted = await post('/submit', { type: 'greet', args: { name: 'Ünal' } });
  expect(submitted.status).toBe(201);
  expect(submitted.headers.get('x-content-type-options')).toBe('nosniff');
  const { step_id } = (await submitted.json()) as { step_id: string };
  await expect
    .poll(async () => ((await (await at(`/status/${step_id}`)).json()) as { status: string }).status)
    .toBe('completed');

  expect((await at(`/status/${step_id}?unknown=1`)).status).toBe(400); // the query arrives
  expect((await at('/nowhere')).status).toBe(404);
  expect((await at('/submit', { method: 'DELETE' })).status).toBe(405);
  const form = await at('/submit', { method: 'POST', body: new URLSearchParams({ type: 'greet' }) });
  expect(form.status).toBe(415);
  const foreign = { 'content-type': 'application/json', origin: 'https://evil.example' };
  expect((await at('/submit', { method: 'POST', body: '{}', headers: foreign })).status).toBe(403);
  // Last: a server may close the connection of a body that it did not read.
  expect((await post('/submit', { type: 'greet', args: { name: 'x'.repeat(1_100_000) } })).status).toBe(413);
}

describe('Hono', () => {
  test('a route that passes the request on', async () => {
    const handler = await handlerOf();
    const app = new Hono().all('/ops/*', (context) => handler(context.req.raw));
    const server = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as NodeServer;
    await new Promise((resolve) => server.once('listening', resolve));
    await holds(addressOf(server));
  });

  test('app.mount, which strips the path: the handler has no base path then', async () => {
    const app = new Hono().all('/ops/*', mount(await handlerOf({ auth: TOKEN })));
    const server = serveHono({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }) as NodeServer;
    await new Promise((resolve) => server.once('listening', resolve));
    await holds(addressOf(server));
  });
});

describe('Express 5', () => {
  test('app.use with the path of the API', async () => {
    const app = express().use('/ops', toNodeHandler(await handlerOf()));
    await holds(await listening(createServer(app)));
  });

  test('behind express.json and express.urlencoded, which have read the body', async () => {
    const parsers = [express.json({ limit: '2mb' }), express.urlencoded({ extended: true })];
    const app = express()
      .use(parsers)
      .use('/ops', toNodeHandler(await handlerOf()));
    await holds(await listening(createServer(app)));
  });

  test('behind express.raw and express.text', async () => {
    for (const parser of [express.raw, express.text]) {
      const app = express()
        .use(parser({ type: () => true, limit: '2mb' }))
        .use('/ops', toNodeHandler(await handlerOf()));
      await holds(await listening(createServer(app)));
    }
  });

  test('a route with a wildcard, in a router', async () => {
    const router = express
      .Router()
      .all('/queue/{*path}', toNodeHandler(await handlerOf({ auth: TOKEN, basePath: '/ops/queue' })));
    await holds(await listening(createServer(express().use('/ops', router))), '/ops/queue');
  });
});

describe('Fastify 5', () => {
  test('a route that hands over the request before it is parsed', async () => {
    const node = toNodeHandler(await handlerOf());
    const app = Fastify({ forceCloseConnections: true });
    onTestFinished(() => app.close());
    await app.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', (_request, _body, done) => done(null));
      scope.all('/ops/*', (request, reply) => {
        reply.hijack();
        return node(request.raw, reply.raw);
      });
    });
    await holds(await app.listen({ port: 0, host: '127.0.0.1' }));
  });

  test('with a body that Fastify has parsed', async () => {
    const node = toNodeHandler(await handlerOf());
    const app = Fastify({ bodyLimit: 2_000_000, forceCloseConnections: true });
    onTestFinished(() => app.close());
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    );
    app.all('/ops/*', (request, reply) => {
      reply.hijack();
      return node(Object.assign(request.raw, { body: request.body }), reply.raw);
    });
    await holds(await app.listen({ port: 0, host: '127.0.0.1' }));
  });
});

test('Node.js without a framework, at the root', async () => {
  await holds(await listening(createServer(toNodeHandler(await handlerOf({ auth: TOKEN })))), '');
});
