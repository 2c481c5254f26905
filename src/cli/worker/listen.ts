/** Serves the HTTP API and the metrics of a queue. */
import type { AnyFleetQ, Logger } from '../../index.js';
import type { ApiOptions } from './api-options.js';

export interface Listening {
  close(): Promise<void>;
}

/** @throws ValidationError if it cannot listen there */
export async function listen(queue: AnyFleetQ, { host, port, token }: ApiOptions, log: Logger): Promise<Listening> {
  const [{ serve }, { createMetrics }] = await Promise.all([import('../../http.js'), import('../../prometheus.js')]);
  const metrics = createMetrics(queue);
  try {
    const options = { host, port, metrics, logger: log };
    const server = await serve(queue, token === undefined ? options : { ...options, auth: token });
    const openTo = token === undefined ? 'this machine' : 'holders of the token';
    log.info({ url: server.url, openTo }, 'HTTP is listening');
    return { close: () => server.close().finally(() => metrics.stop()) };
  } catch (error) {
    metrics.stop();
    throw error;
  }
}
