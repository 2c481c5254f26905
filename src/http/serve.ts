/**
 * Serves the API with Node.js.
 *
 * Invariants:
 * - Without `auth` it listens on this machine only; this is checked before anything listens.
 * - `close` ends idle connections at once, lets answers in progress finish, and is over within a bound.
 */
import { isIPv6 } from 'node:net';
import { ValidationError, type AnyFleetQ } from '../index.js';
import { integer } from '../input/field-checks.js';
import { BoundedServer } from './guard/bounded-server.js';
import { addressToBind } from './guard/loopback.js';
import { limitsOf } from './guard/server-limits.js';
import { handlerOf } from './handler.js';
import { toNodeHandler } from './node-handler.js';
import type { ServeOptions } from './options.js';

/** A server that listens. */
export interface Server {
  /** Its address, such as `http://127.0.0.1:8000`, with the base path. */
  readonly url: string;
  /** The port it listens at, also if port 0 was asked for. */
  readonly port: number;
  /**
   * Stops listening, ends idle connections, lets answers in progress finish for up to `closeTimeoutMs`, and closes the
   * others. Idempotent; never rejects.
   */
  close(): Promise<void>;
}

/**
 * Serves the API of a queue, which need not be started. The queue and the server are stopped separately.
 *
 * @example
 * const server = await serve(queue, { host: '0.0.0.0', auth: process.env.FLEET_Q_API_TOKEN });
 * @throws ValidationError `OPTION_INVALID`, naming the option: also `host` if it can be reached from other machines and there
 * is no `auth`, and `port` if it is taken
 */
export async function serve(queue: AnyFleetQ, options: ServeOptions = {}): Promise<Server> {
  const { host = '127.0.0.1', port = 8000, ...others } = options;
  const { limits, rest } = limitsOf(others);
  isPort(port, 'port', 'OPTION_INVALID');
  const handler = handlerOf(queue, rest, true);
  const address = await addressToBind(host, rest.auth !== undefined);
  const server = new BoundedServer(toNodeHandler(handler, limits.answerTimeoutMs), limits);
  const bound = await server.listen(address, port).catch((error: unknown) => refuse(error, address, port));
  const authority = isIPv6(address) ? `[${address}]` : address;
  return {
    url: `http://${authority}:${bound.port}${rest.basePath ?? ''}`,
    port: bound.port,
    close: () => server.close(),
  };
}

const isPort = integer(0, 65_535);

const REASONS: Readonly<Record<string, readonly [field: string, reason: string]>> = {
  EADDRINUSE: ['port', 'another process listens there'],
  EACCES: ['port', 'this process may not listen there'],
  EADDRNOTAVAIL: ['host', 'this machine does not have the address'],
};

function refuse(error: unknown, address: string, port: number): never {
  const [field, reason] = REASONS[(error as NodeJS.ErrnoException).code ?? ''] ?? [];
  if (field === undefined) throw error;
  throw new ValidationError('OPTION_INVALID', field, `cannot listen at ${address}, port ${port}: ${reason}`, {
    cause: error,
  });
}
