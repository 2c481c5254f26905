/** The API of a queue on a real socket, for tests. Every request and answer is checked against the served document. */
import type { AnyFleetQ } from 'fleet-q';
import { serve, type ServeOptions, type Server } from 'fleet-q/http';
import { onTestFinished } from 'vitest';
import { DocumentCheck } from './document.js';

export const TOKEN = 'the-token-of-the-tests-0123456789';

export interface CallOptions {
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, instead. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON of the answer. */
  readonly body: any;
}

export interface Api {
  readonly server: Server;
  readonly check: DocumentCheck;
  call(method: string, path: string, options?: CallOptions): Promise<Answered>;
  get(path: string): Promise<Answered>;
  post(path: string, body?: unknown): Promise<Answered>;
}

/** Serves a queue until the test ends. */
export async function serveApi(queue: AnyFleetQ, options: ServeOptions = {}): Promise<Api> {
  const server = await serve(queue, { port: 0, auth: TOKEN, ...options });
  onTestFinished(() => server.close());
  const headers = { authorization: `Bearer ${TOKEN}` };
  const document = (await (await fetch(`${server.url}/openapi.json`, { headers })).json()) as Record<string, unknown>;
  const check = new DocumentCheck(document);
  const call = async (method: string, path: string, given: CallOptions = {}): Promise<Answered> => {
    const content = given.text ?? (given.body === undefined ? undefined : JSON.stringify(given.body));
    const response = await fetch(`${server.url}${path}`, {
      method,
      ...(content === undefined ? {} : { body: content }),
      headers: {
        ...headers,
        ...(content === undefined ? {} : { 'content-type': 'application/json' }),
        ...given.headers,
      },
    });
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    const answer: unknown = type.includes('json') && text !== '' ? JSON.parse(text) : undefined;
    check.check({ method, path, body: given.body ?? parsed(given.text), status: response.status, type, answer });
    return { status: response.status, headers: response.headers, text, body: answer };
  };
  return {
    server,
    check,
    call,
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, { body }),
  };
}

function parsed(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
