/**
 * A Fastify app that is a pod of the fleet, with the HTTP API of the queue under /ops.
 *
 * FLEET_Q_API_TOKEN=$(openssl rand -hex 32) npx tsx examples/fastify/server.ts
 */
import Fastify from 'fastify';
import { FleetQ, stopOnSignals } from 'fleet-q';
import { createHandler, toNodeHandler } from 'fleet-q/http';
import { sqlite } from 'fleet-q/sqlite';

const queue = new FleetQ({ store: sqlite({ path: 'fastify.db' }) }).register(
  'greet',
  ({ name }: { name: string }) => `Hello, ${name}.`,
);
await queue.start();

const app = Fastify();

// `basePath` is the path that clients see. Without a token the API serves probes only.
const ops = toNodeHandler(createHandler(queue, { basePath: '/ops', auth: process.env['FLEET_Q_API_TOKEN'] }));
await app.register(async (scope) => {
  scope.removeAllContentTypeParsers(); // the API reads the body itself, within its own bound
  scope.addContentTypeParser('*', (_request, _body, done) => done(null));
  scope.all('/ops/*', (request, reply) => {
    reply.hijack();
    return ops(request.raw, reply.raw);
  });
});

app.post('/greetings', async (request, reply) => {
  const { name } = request.body as { name: string };
  return reply.status(202).send({ stepId: await queue.submit({ type: 'greet', args: { name } }) });
});

console.log(`listening at ${await app.listen({ port: Number(process.env['PORT'] ?? 3000), host: '127.0.0.1' })}`);
stopOnSignals(queue, { onStopped: () => app.close() });
