/**
 * A Hono app that is a pod of the fleet, with the HTTP API of the queue under /ops.
 *
 * FLEET_Q_API_TOKEN=$(openssl rand -hex 32) npx tsx examples/hono/server.ts
 */
import { serve } from '@hono/node-server';
import { FleetQ, stopOnSignals } from 'fleet-q';
import { createHandler } from 'fleet-q/http';
import { sqlite } from 'fleet-q/sqlite';
import { Hono } from 'hono';

const queue = new FleetQ({ store: sqlite({ path: 'hono.db' }) }).register(
  'greet',
  ({ name }: { name: string }) => `Hello, ${name}.`,
);
await queue.start();

const app = new Hono();

// `basePath` is the path that clients see. Without a token the API serves probes only.
const ops = createHandler(queue, { basePath: '/ops', auth: process.env['FLEET_Q_API_TOKEN'] });
app.all('/ops/*', (context) => ops(context.req.raw));

app.post('/greetings', async (context) => {
  const { name } = await context.req.json<{ name: string }>();
  return context.json({ stepId: await queue.submit({ type: 'greet', args: { name } }) }, 202);
});

const server = serve(
  { fetch: app.fetch, port: Number(process.env['PORT'] ?? 3000), hostname: '127.0.0.1' },
  ({ port }) => {
    console.log(`listening at http://127.0.0.1:${port}`);
  },
);
stopOnSignals(queue, { onStopped: () => server.close() });
