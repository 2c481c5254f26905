/**
 * The API as one function from request to response.
 *
 * Invariants:
 * - The guard is asked once, before anything of the request is read or run.
 * - A request is answered whatever happens. An unexpected error is a 500 without details, and is logged. A permanent error
 *   of the store is logged too.
 * - Nothing here needs Node.js, so the function mounts wherever fetch's `Request` and `Response` are.
 */
import { Hono, type Context, type Next } from 'hono';
import { show } from '../errors.js';
import { StoreError, SubmitIncompleteError, type AnyFleetQ } from '../index.js';
import { Guard } from './guard/guard.js';
import { readJson } from './guard/read-json.js';
import { redaction } from './guard/redact.js';
import { BirthTimes } from './birth-times.js';
import { fleetPolls } from './fleet-polls.js';
import { openApiDocument, type Json } from './openapi.js';
import { resolveOptions, type HttpOptions, type ResolvedOptions } from './options.js';
import { Problem } from './problem.js';
import { problemOf } from './problem-of.js';
import type { Answer, Route, Services } from './route.js';
import { routesOf } from './routes.js';
import { validatorOf } from './validation/validator.js';

/** Answers a request. It never rejects. */
export type Handler = (request: Request) => Promise<Response>;

/**
 * The API of a queue, to be mounted in a server. The queue need not be started.
 *
 * @example
 * const handler = createHandler(queue, { auth: process.env.FLEET_Q_API_TOKEN, basePath: '/queue' });
 * app.all('/queue/*', (c) => handler(c.req.raw)); // Hono
 * @throws ValidationError `OPTION_INVALID`
 */
export function createHandler(queue: AnyFleetQ, options: HttpOptions = {}): Handler {
  return handlerOf(queue, options, false);
}

/** @param openOnLoopback serve requests that come from this machine if there is no `auth`; no other can reach the server */
export function handlerOf(queue: AnyFleetQ, options: HttpOptions, openOnLoopback: boolean): Handler {
  const resolved = resolveOptions(options);
  const routes = routesOf(resolved);
  const api = new Api(queue, resolved, routes, new Guard(resolved, openOnLoopback));
  const app = new Hono<Found>({ strict: false });
  for (const [path, rows] of byPath(routes))
    app.all(`${resolved.basePath}${path.replaceAll(/\{(\w+)\}/g, ':$1')}`, api.dispatcher(rows));
  app.notFound(unhandled);
  app.onError((error) => api.failed(error));
  return async (request) => api.guard.seal(await app.fetch(request));
}

/** What is known of a request: the methods of the paths that match it. */
interface Found {
  readonly Variables: { readonly methods: readonly string[] | undefined };
}

/** What a log line says of the request: never its path, which may name a step. */
interface Asked {
  readonly method?: string;
  readonly route?: string;
}

/** Answers a request that no route takes: 404, or 405 if its path has other methods. */
function unhandled({ req, get }: Context<Found>): Response {
  const methods = get('methods');
  if (methods === undefined)
    return new Problem('ROUTE_NOT_FOUND', 'there is no such route; GET /openapi.json lists them').toResponse();
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  if (req.method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow } });
  const detail = `there is no ${show(req.method)} here, only ${allow}`;
  return new Problem('METHOD_NOT_ALLOWED', detail, { headers: { allow } }).toResponse();
}

function byPath(routes: readonly Route[]): ReadonlyMap<string, Route[]> {
  const paths = new Map<string, Route[]>();
  for (const route of routes) paths.set(route.path, [...(paths.get(route.path) ?? []), route]);
  return paths;
}

class Api {
  readonly guard: Guard;
  readonly #options: ResolvedOptions;
  readonly #services: Services;

  constructor(queue: AnyFleetQ, options: ResolvedOptions, routes: readonly Route[], guard: Guard) {
    this.#options = options;
    this.guard = guard;
    let document: Json | undefined;
    this.#services = {
      queue,
      ...fleetPolls(queue, options.statsIntervalMs),
      births: new BirthTimes(),
      redaction: redaction(options.redact),
      metrics: options.metrics,
      basePath: options.basePath,
      document: () => (document ??= openApiDocument(routes, options.basePath)),
    };
  }

  /** Answers the requests for one path, or leaves them to another path that matches. */
  dispatcher(rows: readonly Route[]): (context: Context<Found>, next: Next) => Promise<Response | undefined> {
    const operations = new Map(rows.map((route) => [route.method as string, route]));
    return async (context, next) => {
      const { req } = context;
      const route = operations.get(req.method === 'HEAD' ? 'GET' : req.method);
      if (route !== undefined) return this.#answer(route, req.raw, req.param());
      context.set('methods', [...(context.get('methods') ?? []), ...operations.keys()]);
      await next();
      return undefined;
    };
  }

  async #answer(route: Route, request: Request, params: Record<string, string>): Promise<Response> {
    try {
      const refusal = await this.guard.check(route.action, request);
      if (refusal !== undefined) return refusal;
      const { moreFor } = route;
      const mayKnowMore = moreFor !== undefined && (await this.guard.permits(moreFor, request));
      const validator = validatorOf(route); // compiled with the first request that is served
      const path = validator.path(params);
      // A probe of Kubernetes may add `?verbose`, or a number against caches.
      const query = route.action === undefined ? {} : validator.query(new URL(request.url).searchParams);
      const body = route.body === undefined ? undefined : validator.body(await this.#body(request));
      return written(await route.handle({ path, query, body, mayKnowMore }, this.#services));
    } catch (error) {
      return this.failed(error, { method: route.method, route: route.path });
    }
  }

  #body(request: Request): Promise<unknown> {
    return readJson(request, { maxBytes: this.#options.maxBodyBytes });
  }

  failed(error: unknown, asked: Asked = {}): Response {
    const problem = problemOf(error);
    if (problem !== undefined) {
      const refused = permanentStoreError(error);
      if (refused !== undefined)
        this.#options.logger?.error({ ...asked, error: refused }, 'request failed: the store refused it');
      return problem.toResponse();
    }
    this.#options.logger?.error({ ...asked, error }, 'request failed unexpectedly; answered 500');
    return new Problem('INTERNAL', 'an unexpected error; the log of the pod has it').toResponse();
  }
}

/** The answer does not show its message, so the log has to. */
function permanentStoreError(error: unknown): StoreError | undefined {
  const cause = error instanceof SubmitIncompleteError ? error.cause : error;
  return cause instanceof StoreError && !cause.transient ? cause : undefined;
}

function written({ status, json, text, headers }: Answer): Response {
  if (json === undefined) return new Response(text ?? null, { status, headers: { ...headers } });
  return new Response(JSON.stringify(json, plain), {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** JSON has no bigint; a text keeps all its digits. */
function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
