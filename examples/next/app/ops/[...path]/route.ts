/** The HTTP API of the queue under /ops. Without a token it serves probes only. */
import { createHandler } from 'fleet-q/http';
import { queue } from '../../../queue';

export const dynamic = 'force-dynamic';

let handler: ReturnType<typeof createHandler> | undefined;

function handle(request: Request): Promise<Response> {
  const auth = process.env['FLEET_Q_API_TOKEN'];
  // Made with the first request: `next build` loads this module too, and has no token.
  handler ??= createHandler(queue, { basePath: '/ops', ...(auth === undefined ? {} : { auth }) });
  return handler(request);
}

export { handle as GET, handle as POST };
