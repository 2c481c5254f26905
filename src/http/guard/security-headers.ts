/**
 * The headers that every answer has.
 *
 * Invariants:
 * - An answer is never stored by a cache, never framed, never read as another type, and runs no script.
 * - There is no CORS header: a browser shows no answer to a page of another origin.
 * - A header that the answer already has stays, so that a page can bring its own policy.
 */

/** For an answer that is data: nothing may be loaded, and nobody may frame it. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
});

/** Adds the headers to an answer, in place. */
export function addSecurityHeaders(headers: Headers): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) if (!headers.has(name)) headers.set(name, value);
}
