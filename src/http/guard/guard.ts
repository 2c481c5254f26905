/**
 * Decides whether a request is served: the one place that is asked for every route.
 *
 * Invariants:
 * - Default-deny: a route without an action is a probe and answers anyone; every other needs `auth`.
 * - Nothing of a refused request has been read or run: the guard sees the method, the URL and the headers only.
 * - The order is fixed: host, origin, `auth`, `can`. A page of another site reaches no function of the host.
 * - Only `true` from `can` permits; a throw, a rejection and silence refuse.
 */
import { ValidationError } from '../../index.js';
import type { Action } from '../action.js';
import type { HttpOptions } from '../options.js';
import { Problem } from '../problem.js';
import { authenticator, type Identify, type Principal, type Report } from './authentication.js';
import { crossSiteProblem, isMutation, originsOf } from './cross-site.js';
import { isLoopbackHost } from './loopback.js';
import { addSecurityHeaders } from './security-headers.js';
import { TimeLimit } from './time-limit.js';

/** The options that the guard reads. */
export type GuardOptions = Pick<HttpOptions, 'auth' | 'can' | 'allowedOrigins' | 'logger'>;

/**
 * Headers of a proxy: the request did not begin on this machine, or nobody knows whether it did. A proxy that adds none of
 * them and sends a loopback `Host` cannot be recognized.
 */
const PROXIED = ['forwarded', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip'];

/** How long a probe waits for `auth` and `can` together, in ms. Kubernetes waits for one second by default. */
const PROBE_MS = 500;

export class Guard {
  readonly #identify: Identify | undefined;
  readonly #can: HttpOptions['can'];
  readonly #expected: string;
  readonly #origins: ReadonlySet<string>;
  readonly #isOpen: boolean;
  readonly #report: Report;

  /**
   * @param openOnLoopback serve requests that come from this machine if there is no `auth`; no other can reach the server
   * @throws ValidationError `OPTION_INVALID`, naming the option
   */
  constructor({ auth, can, allowedOrigins, logger }: GuardOptions, openOnLoopback = false) {
    if (can !== undefined && typeof can !== 'function')
      throw new ValidationError('OPTION_INVALID', 'can', `expected a function, got ${typeof can}`);
    this.#report = (error, message) => logger?.warn({ error }, message);
    this.#identify = auth === undefined ? undefined : authenticator(auth, this.#report);
    this.#can = can;
    this.#expected = expectedOf(auth);
    this.#origins = originsOf(allowedOrigins);
    this.#isOpen = auth === undefined && openOnLoopback;
  }

  /**
   * Asked once for each request, before anything of it is read or run.
   *
   * @param action what the route does; `undefined` for a probe
   * @returns the refusal; `undefined` if the request is served
   */
  async check(action: Action | undefined, request: Request): Promise<Response | undefined> {
    return action === undefined ? undefined : (await this.#problem(action, request, new TimeLimit()))?.toResponse();
  }

  /** Adds the headers of every answer. */
  seal(response: Response): Response {
    addSecurityHeaders(response.headers);
    return response;
  }

  /** Whether the request may do this. For a route that answers anyone, at once, and says more to those who may know. */
  async permits(action: Action, request: Request): Promise<boolean> {
    return (await this.#problem(action, request, new TimeLimit(PROBE_MS))) === undefined;
  }

  async #problem(action: Action, request: Request, limit: TimeLimit): Promise<Problem | undefined> {
    if (this.#isOpen && !isFromThisMachine(request))
      return new Problem(
        'HOST_REFUSED',
        'without `auth`, requests are served only if they come from this machine, to localhost or a loopback address',
      );
    const crossSite = isMutation(request) ? crossSiteProblem(request, this.#origins) : undefined;
    if (crossSite !== undefined) return new Problem('ORIGIN_REFUSED', crossSite);
    const principal = this.#isOpen ? true : await this.#identify?.(request, limit);
    if (principal === undefined) return unauthenticated(this.#expected);
    if (await this.#may(action, request, principal, limit)) return undefined;
    return new Problem('FORBIDDEN', `this request may not do ${action}`);
  }

  async #may(action: Action, request: Request, principal: Principal | true, limit: TimeLimit): Promise<boolean> {
    const can = this.#can;
    if (can === undefined) return true;
    try {
      const answer: unknown = await limit.hold('can', async () => can(action, request, principal));
      return answer === true;
    } catch (error) {
      this.#report(error, 'can failed; refusing the request');
      return false;
    }
  }
}

function expectedOf(auth: unknown): string {
  if (auth === undefined) return 'this server has no `auth`, so it serves probes only';
  if (typeof auth === 'function') return 'the request is not authenticated';
  return 'expected the header Authorization: Bearer <token>, with a valid token';
}

function unauthenticated(expected: string): Problem {
  return new Problem('UNAUTHENTICATED', expected, { headers: { 'www-authenticate': 'Bearer realm="fleet-q"' } });
}

/** A page whose host name was pointed at this machine (DNS rebinding) still sends its own name as `Host`. */
function isFromThisMachine(request: Request): boolean {
  if (PROXIED.some((name) => request.headers.has(name))) return false;
  const host = request.headers.get('host');
  const names = [request.url, ...(host === null ? [] : [`http://${host}`])];
  return names.every((url) => URL.canParse(url) && isLoopbackHost(new URL(url).hostname));
}
