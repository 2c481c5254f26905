/**
 * Serves the API with Node.js.
 *
 * Invariants: `close` ends idle connections at once, lets answers in progress finish, and is over within a bound.
 */
import type { AddressInfo } from 'node:net';
import type { Server as NodeServer } from 'node:http';
import type { AnyFleetQ } from '../index.js';
import { createHandler } from './handler.js';
import type { ServeOptions } from './options.js';

/** A server that listens. */
export interface Server {
  /** Its address, such as `http://127.0.0.1:8000`, with the base path. */
  readonly url: string;
  readonly port: number;
  /** Stops listening, ends idle connections, and lets answers in progress finish. Idempotent. */
  close(): Promise<void>;
}

/** Serves the API of a queue. */
export async function serve(queue: AnyFleetQ, options: ServeOptions = {}): Promise<Server> {
  const { host = '127.0.0.1', port = 8000, ...rest } = options;
  const handler = createHandler(queue, rest);
  const { createAdaptorServer } = await import('@hono/node-server');
  const server = createAdaptorServer({ fetch: handler, overrideGlobalObjects: false }) as NodeServer;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  return {
    url: `http://${host}:${address.port}${rest.basePath ?? ''}`,
    port: address.port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
