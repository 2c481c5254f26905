/**
 * An Express app that is a pod of the fleet, with the HTTP API of the queue under /ops.
 *
 * FLEET_Q_API_TOKEN=$(openssl rand -hex 32) npx tsx examples/express/server.ts
 */
import type { AddressInfo } from 'node:net';
import express from 'express';
import { FleetQ, stopOnSignals } from 'fleet-q';
import { createHandler, toNodeHandler } from 'fleet-q/http';
import { sqlite } from 'fleet-q/sqlite';

const queue = new FleetQ({ store: sqlite({ path: 'express.db' }) }).register(
  'greet',
  ({ name }: { name: string }) => `Hello, ${name}.`,
);
await queue.start();

const app = express();
app.use(express.json()); // the API takes the body from here, too
// `basePath` is the path that clients see. Without a token the API serves probes only.
app.use('/ops', toNodeHandler(createHandler(queue, { basePath: '/ops', auth: process.env['FLEET_Q_API_TOKEN'] })));

app.post('/greetings', async (request, response) => {
  const { name } = request.body as { name: string };
  response.status(202).json({ stepId: await queue.submit({ type: 'greet', args: { name } }) });
});

const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () => {
  console.log(`listening at http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
stopOnSignals(queue, { onStopped: () => server.close() });
