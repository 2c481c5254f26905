/** The module of the helper thread: runs the tasks that come through the port, with one connection for each file. */
import { parentPort } from 'node:worker_threads';
import { storeError } from '../sqlite-errors.js';
import { HelperConnection } from './helper-connection.js';
import type { HelperTask, FromHelper, ToHelper, Value } from './messages.js';

const port = parentPort;
if (port === null)
  throw new Error('fleet-q/sqlite/helper runs in a worker thread only: pass its URL as the option workerUrl');

const connections = new Map<string, HelperConnection>();

port.on('message', (message: ToHelper) => {
  switch (message.kind) {
    case 'task':
      return reply(message.id, connectionTo(message).run(message));
    case 'close':
      return reply(message.id, close(message.key));
    case 'ping':
      return send({ kind: 'pong' });
    case 'end':
      port.close();
  }
});

send({ kind: 'pong' }); // the module has been loaded

function connectionTo({ file }: HelperTask): HelperConnection {
  const connection = connections.get(file.key) ?? new HelperConnection(file);
  connections.set(file.key, connection);
  return connection;
}

/** A later task on this file opens a new connection. */
async function close(key: string): Promise<null> {
  const connection = connections.get(key);
  connections.delete(key);
  await connection?.close();
  return null;
}

function reply(id: number, work: Promise<Value>): void {
  work.then(
    (value) => send({ kind: 'value', id, value }),
    (error: unknown) => {
      const { code, message, transient } = storeError(error, '');
      send({ kind: 'failure', id, failure: { code, message, transient } });
    },
  );
}

function send(message: FromHelper): void {
  port?.postMessage(message);
}
