/** The options of the HTTP API. */
import type { Logger } from '../index.js';
import {
  checkFields,
  expecting,
  integer,
  milliseconds,
  type FieldCheck,
  type FieldChecks,
} from '../input/field-checks.js';
import { checkLogger } from '../log/check-logger.js';
import type { Action } from './action.js';
import type { Auth, Principal } from './guard/authentication.js';
import type { Redact } from './guard/redact.js';
import type { ServerLimits } from './guard/server-limits.js';

/** Where `/metrics` comes from. A registry of prom-client has this shape, and so has what `createMetrics` returns. */
export interface MetricsSource {
  /** The `Content-Type` of the answer. */
  readonly contentType: string;
  /** The text of the answer, made anew for each scrape. */
  metrics(): string | Promise<string>;
}

/** The options of `createHandler`. */
export interface HttpOptions {
  /** The path in front of every route, such as `/queue`. Default: none. */
  readonly basePath?: string;
  /**
   * Who may call anything but the probes: the holder of a bearer token, of one of several (for rotation), or whom a function
   * lets in. A token has at least 16 characters. Without `auth` everything but the probes is refused.
   */
  readonly auth?: Auth | undefined;
  /**
   * Whether this request may do this. It is asked for every route but the probes, after `auth`, and only `true` permits.
   * `principal` is what the function `auth` returned, or `true`. Default: what `auth` lets in may do everything.
   */
  readonly can?: (action: Action, request: Request, principal: Principal | true) => boolean | Promise<boolean>;
  /**
   * What no answer shows, by step type: `'args'` (with the metadata), `'result'`, or `'both'`. `'*'` stands for every type
   * without an entry. If anything of a type is hidden, its errors show their name and code only. Default: nothing.
   */
  readonly redact?: Redact;
  /** The longest request body, in bytes. Default 1 MiB. */
  readonly maxBodyBytes?: number;
  /** The most steps that one request submits. Default 1,000. */
  readonly maxSteps?: number;
  /** Origins other than the server's own that may change something, such as `https://ops.example.com`. Default: none. */
  readonly allowedOrigins?: readonly string[];
  /** Serves `/metrics`. Default: there is no such route. */
  readonly metrics?: MetricsSource | undefined;
  /**
   * How long the counts of `/api/stats` and `/admin/queue` are kept before the store is asked again, in ms, whatever polls.
   * If counting takes long, they are kept for 20 times as long as it took, at most 5 min. Default: on SQLite 5,000; on
   * other stores 30,000, and 600,000 in a process that only submits. There a pod that sleeps does not count again.
   */
  readonly statsIntervalMs?: number;
  /** Where unexpected errors are logged. Default: nowhere. */
  readonly logger?: Logger;
}

/**
 * The options of `serve`. Without `auth` it listens on this machine only, and serves requests that come from it; `host` must
 * be a loopback address then.
 */
export interface ServeOptions extends HttpOptions, Partial<ServerLimits> {
  /** The address or name to listen at. Default `127.0.0.1`. */
  readonly host?: string;
  /** The port; 0 for any free one. Default 8000. */
  readonly port?: number;
}

/** Options with their defaults. */
export interface ResolvedOptions extends HttpOptions {
  readonly basePath: string;
  readonly maxBodyBytes: number;
  readonly maxSteps: number;
}

const has = (value: unknown, key: string, type: string): boolean =>
  typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[key] === type;

/** The guard checks its own options, so that no token is shown. */
const ofTheGuard: FieldCheck = () => undefined;

const FIELDS: FieldChecks = {
  basePath: expecting(
    'a path such as "/queue", without a slash at its end',
    (value) => typeof value === 'string' && /^(\/[\w.~-]+)*$/.test(value),
  ),
  auth: ofTheGuard,
  can: ofTheGuard,
  redact: ofTheGuard,
  maxBodyBytes: integer(1, 1_073_741_824),
  maxSteps: integer(1, 100_000),
  allowedOrigins: ofTheGuard,
  metrics: expecting(
    'what createMetrics returned, or a registry of prom-client',
    (value) => has(value, 'contentType', 'string') && has(value, 'metrics', 'function'),
  ),
  statsIntervalMs: milliseconds,
  logger: checkLogger,
};

/** The options of `createHandler`. @throws ValidationError `OPTION_INVALID` */
export function resolveOptions(options: HttpOptions): ResolvedOptions {
  checkFields(options, FIELDS, 'OPTION_INVALID', 'options');
  const { basePath = '', maxBodyBytes = 1_048_576, maxSteps = 1_000 } = options;
  return { ...options, basePath, maxBodyBytes, maxSteps };
}
