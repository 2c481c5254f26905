/**
 * Turns a handler into a listener of Node.js, for frameworks whose requests are those of `node:http`: Express, Fastify,
 * Koa, or no framework at all.
 *
 * Invariants:
 * - The path is the one that the client asked for. A framework that strips a mount path keeps the whole one in
 *   `originalUrl`; so `basePath` is always the path that clients see.
 * - If a parser of the framework has read the body, its value is used.
 * - The globals `Request` and `Response` stay those of Node.js.
 */
import { getRequestListener } from '@hono/node-server';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { endWithin } from './guard/answer-deadline.js';
import { addSecurityHeaders } from './guard/security-headers.js';
import { DEFAULT_LIMITS } from './guard/server-limits.js';
import { Problem } from './problem.js';

/** A listener of `http.createServer`, and a route handler of Express. It never rejects. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** What frameworks and their parsers put on a request. */
type Adapted = IncomingMessage & { originalUrl?: unknown; body?: unknown; rawBody?: unknown };

/**
 * Makes a listener of Node.js of a handler.
 *
 * @example app.all('/ops/{*path}', toNodeHandler(createHandler(queue, { basePath: '/ops', auth: token }))); // Express 5
 * @param answerTimeoutMs how long a client may take to read its answer, in ms. Default 30,000
 */
export function toNodeHandler(
  handler: (request: Request) => Response | Promise<Response>,
  answerTimeoutMs: number = DEFAULT_LIMITS.answerTimeoutMs,
): NodeHandler {
  const listen = getRequestListener(
    async (request, { incoming, outgoing }) => {
      const response = await handler(request);
      endWithin(outgoing as ServerResponse, incoming.socket, answerTimeoutMs);
      return response;
    },
    {
      hostname: 'localhost', // HTTP/1.0 needs no Host header
      overrideGlobalObjects: false,
      errorHandler: refuse,
    },
  );
  return (incoming, outgoing) => {
    const request = incoming as Adapted;
    if (typeof request.originalUrl === 'string') request.url = request.originalUrl;
    const parsed = parsedBody(request);
    if (parsed !== undefined) request.rawBody = parsed;
    return listen(request, outgoing);
  };
}

/** The handler never throws, so the request itself is at fault. */
function refuse(): Response {
  const response = new Problem('REQUEST_INVALID', 'the URL or the Host header is not valid').toResponse();
  addSecurityHeaders(response.headers);
  return response;
}

/** The bytes of a body that a parser has read; `undefined` if the body can still be read. */
function parsedBody({ readableDidRead, rawBody, body }: Adapted): Buffer | undefined {
  if (!readableDidRead || Buffer.isBuffer(rawBody) || body === undefined) return undefined;
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}
