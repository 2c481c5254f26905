/** Serves the HTTP API and the metrics of a queue. */
import type { AnyFleetQ, Logger } from '../../index.js';
import { FailedError } from '../exit-codes.js';
import type { ApiOptions } from './api-options.js';

export interface Listening {
  close(): Promise<void>;
}

/** @throws FailedError if it cannot listen there */
export async function listen(queue: AnyFleetQ, api: ApiOptions, log: Logger): Promise<Listening> {
  const { serve } = await import('../../http.js');
  const { host, port, token } = api;
  try {
    const auth = token === undefined ? {} : { auth: token };
    const server = await serve(queue, { host, port, logger: log, ...auth });
    log.info({ url: server.url, open: token === undefined ? 'probes' : 'everything' }, 'HTTP is listening');
    return server;
  } catch (error) {
    throw explained(error, api);
  }
}

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EACCES: 'this user may not listen there; ports below 1024 need a privilege',
  EADDRNOTAVAIL: 'no network interface of this host has that address',
  ENOTFOUND: 'the host name cannot be resolved',
  EAI_AGAIN: 'the host name cannot be resolved for now',
};

function explained(error: unknown, { host, port }: ApiOptions): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  const why = WHY[code];
  if (why === undefined) return error;
  return new FailedError(
    `the HTTP API cannot listen at ${host}, port ${port}: ${why} (${code}). Choose another with --host and --port, ` +
      'or FLEET_Q_API_HOST and FLEET_Q_API_PORT',
    { cause: error },
  );
}
