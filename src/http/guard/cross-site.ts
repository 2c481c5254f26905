/**
 * Recognizes a request that a page of another site made a browser send.
 *
 * Invariants:
 * - A request without `Origin` and `Sec-Fetch-Site` comes from a program, not from a page: browsers send at least one of
 *   them with every request that is not a GET or HEAD, and a page can change neither.
 * - Ports and subdomains of the same host are foreign too: `same-site` is not `same-origin`.
 */
import { show } from '../../errors.js';
import { ValidationError } from '../../index.js';

/** Methods that change nothing. */
const SAFE = new Set(['GET', 'HEAD']);

export function isMutation(request: Request): boolean {
  return !SAFE.has(request.method);
}

/** Why the request is refused; `undefined` if it comes from this origin, an allowed one, or no page at all. */
export function crossSiteProblem(request: Request, allowed: ReadonlySet<string>): string | undefined {
  const origin = request.headers.get('origin');
  if (origin !== null && allowed.has(origin.toLowerCase())) return undefined;
  const site = request.headers.get('sec-fetch-site');
  if (site !== null && site !== 'same-origin' && site !== 'none')
    return 'the request comes from a page of another site (Sec-Fetch-Site); add its origin to `allowedOrigins`';
  if (origin !== null && !isOwnOrigin(origin, request))
    return 'the request comes from a page of another origin (Origin); add it to `allowedOrigins`';
  return undefined;
}

/** Hosts are compared, not schemes: behind a proxy that ends TLS the page is on https and this request on http. */
function isOwnOrigin(origin: string, request: Request): boolean {
  const own = request.headers.get('host') ?? hostOf(request.url);
  return own !== undefined && hostOf(origin) === own.toLowerCase();
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}

/** The origins as browsers write them. @throws ValidationError `OPTION_INVALID`, naming the entry */
export function originsOf(allowed: unknown): ReadonlySet<string> {
  if (allowed === undefined) return new Set();
  if (!Array.isArray(allowed))
    throw new ValidationError(
      'OPTION_INVALID',
      'allowedOrigins',
      `expected an array of origins, got ${typeof allowed}`,
    );
  return new Set(allowed.map((each: unknown, at) => originOf(each, `allowedOrigins[${at}]`)));
}

function originOf(value: unknown, field: string): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  const isOrigin =
    url !== undefined && /^https?:$/.test(url.protocol) && [url.origin, `${url.origin}/`].includes(url.href);
  if (isOrigin) return url.origin;
  throw new ValidationError(
    'OPTION_INVALID',
    field,
    `expected an origin such as 'https://ops.example.com', without a path, got ${show(value)}`,
  );
}
