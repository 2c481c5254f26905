/** The helper thread: does what comes through the port, with one connection for each file. */
import { parentPort } from 'node:worker_threads';
import { storeError } from '../sqlite-errors.js';
import { HelperConnection } from './helper-connection.js';
import type { HelperTask, FromHelper, ToHelper, Value } from './messages.js';

const port = parentPort;
if (port === null) throw new Error('this module runs in a worker thread');

const connections = new Map<string, HelperConnection>();

port.on('message', (message: ToHelper) => {
  switch (message.kind) {
    case 'errand':
      return answer(message.id, connectionTo(message).perform(message));
    case 'close':
      return answer(message.id, close(message.key));
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

/** What is asked of the file from now on gets a connection of its own. */
async function close(key: string): Promise<null> {
  const connection = connections.get(key);
  connections.delete(key);
  await connection?.close();
  return null;
}

function answer(id: number, work: Promise<Value>): void {
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
