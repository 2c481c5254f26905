/** Parses requests, and writes replies, over HTTP. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Route } from './faults.js';
import type { Reply } from './wire-replies.js';

export interface Request {
  readonly route: Route | undefined;
  readonly query: URLSearchParams;
  /** The query's, where the path names one. */
  readonly queryId: string | undefined;
  /** The session's, or the master token. */
  readonly token: string;
  readonly body: any;
}

const ROUTES: readonly (readonly [RegExp, Route])[] = [
  [/^POST \/session\/v1\/login-request$/, 'login'],
  [/^POST \/session\/token-request$/, 'renew'],
  [/^POST \/session\/heartbeat$/, 'heartbeat'],
  [/^POST \/session$/, 'logout'],
  [/^POST \/queries\/v1\/query-request$/, 'query'],
  [/^POST \/queries\/v1\/abort-request$/, 'abort'],
  [/^POST \/queries\/([\w-]+)\/abort-request$/, 'abort'],
  [/^GET \/queries\/([\w-]+)\/result$/, 'result'],
  [/^GET \/monitoring\/queries\/([\w-]+)$/, 'status'],
  [/^POST \/telemetry\/send$/, 'telemetry'],
];

export async function readRequest(message: IncomingMessage): Promise<Request> {
  const url = new URL(message.url ?? '/', 'http://localhost');
  const line = `${message.method} ${url.pathname}`;
  const found = ROUTES.map(([pattern, route]) => ({ match: pattern.exec(line), route })).find(({ match }) => match);
  const token = /Token="([^"]*)"/.exec(message.headers.authorization ?? '')?.[1] ?? '';
  const body = await readBody(message);
  return { route: found?.route, query: url.searchParams, queryId: found?.match?.[1], token, body };
}

async function readBody(message: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  let bytes = Buffer.concat(chunks);
  // The driver's header does not tell: it is set before the compression has ended, or not at all.
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = await promisify(gunzip)(bytes);
  const text = bytes.toString();
  return text.trim() === '' ? {} : JSON.parse(text);
}

export function send(response: ServerResponse, reply: Reply, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(reply));
}

/** What a web server says that is not Snowflake's. */
export function sendPage(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/html' });
  response.end(`<html><body><h1>${status}</h1></body></html>`);
}
