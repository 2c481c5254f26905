/**
 * Finds out who sends a request: by tokens, or by a function of the host.
 *
 * Invariants:
 * - Only `true` and a principal let a request in. A function that throws, never answers, or returns anything else does not.
 */
import { ValidationError } from '../../index.js';
import { bearerTest } from './token.js';
import type { TimeLimit } from './time-limit.js';

/** Who sends the request: any object of the host, such as `{ name: 'alice', role: 'operator' }`. */
export type Principal = object;

/**
 * A function of the host that says who sends a request: `true` or a principal lets it in, `false`, `null` or `undefined`
 * refuses it. It must not read the body.
 */
export type Authenticate = (
  request: Request,
) => boolean | Principal | null | undefined | Promise<boolean | Principal | null | undefined>;

/** What lets a request in: a token, several tokens (for rotation), or a function of the host. */
export type Auth = string | readonly string[] | Authenticate;

/** Who sent the request; `undefined` if it is not let in. */
export type Identify = (request: Request, limit: TimeLimit) => Promise<Principal | true | undefined>;

/** Where the failures of the host's functions are reported. */
export type Report = (error: unknown, message: string) => void;

/** @throws ValidationError `OPTION_INVALID`, naming `auth` */
export function authenticator(auth: unknown, report: Report): Identify {
  if (typeof auth === 'function') return byFunction(auth as (request: Request) => unknown, report);
  if (typeof auth !== 'string' && !Array.isArray(auth))
    throw new ValidationError(
      'OPTION_INVALID',
      'auth',
      `expected a token, an array of tokens, or a function, got ${auth === null ? 'null' : typeof auth}`,
    );
  const holdsToken = bearerTest(Array.isArray(auth) ? auth : [auth]);
  return async (request) => (holdsToken(request) ? true : undefined);
}

function byFunction(identify: (request: Request) => unknown, report: Report): Identify {
  return async (request, limit) => {
    try {
      const answer = await limit.hold('auth', async () => identify(request));
      if (answer === true || isPrincipal(answer)) return answer;
      if (answer !== false && answer !== null && answer !== undefined)
        throw new TypeError(`auth returned neither a boolean nor a principal: ${kindOf(answer)}`);
    } catch (error) {
      report(error, 'auth failed; refusing the request');
    }
    return undefined;
  };
}

/** A `Response` or an `Error` that a function returns means a refusal, not a person. */
function isPrincipal(answer: unknown): answer is Principal {
  return typeof answer === 'object' && answer !== null && !['Response', 'Error', 'Array'].includes(kindOf(answer));
}

function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1);
}
