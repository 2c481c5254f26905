/** FLEET-Q with subscribers of both tracing channels that do nothing. */
import { tracingChannel } from 'node:diagnostics_channel';

export { open } from './fleet-q.js';

const ignore = (): void => undefined;
for (const name of ['fleet-q:submit', 'fleet-q:run'])
  tracingChannel(name).subscribe({ start: ignore, end: ignore, asyncStart: ignore, asyncEnd: ignore, error: ignore });
