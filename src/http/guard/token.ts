/**
 * Compares bearer tokens.
 *
 * Invariants:
 * - The time of a comparison does not depend on where a token differs, on its length, or on which token matches.
 * - A token is kept as its hash only, and is part of no error.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { ValidationError } from '../../index.js';

/** A shorter one could be guessed. */
const LEAST_TOKEN_LENGTH = 16;
/** What a header can carry without escapes (RFC 6750 has fewer characters). */
const TOKEN = /^[\x21-\x7e]+$/;
const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

/**
 * Makes a test for the `Authorization` header.
 *
 * @throws ValidationError `OPTION_INVALID`, naming `auth`, if a token is too short or has characters that a header
 * cannot carry
 */
export function bearerTest(tokens: readonly unknown[]): (request: Request) => boolean {
  if (tokens.length === 0) throw new ValidationError('OPTION_INVALID', 'auth', 'expected at least one token, got none');
  const known = tokens.map((token, at) => hash(checked(token, tokens.length === 1 ? 'auth' : `auth[${at}]`)));
  return (request) => {
    const given = BEARER.exec(request.headers.get('authorization') ?? '')?.[1];
    if (given === undefined) return false;
    const hashed = hash(given);
    let matches = false;
    for (const each of known) matches = timingSafeEqual(each, hashed) || matches;
    return matches;
  };
}

function checked(token: unknown, field: string): string {
  if (typeof token !== 'string')
    throw new ValidationError('OPTION_INVALID', field, `expected a token (text), got ${typeof token}`);
  if (token.length < LEAST_TOKEN_LENGTH)
    throw new ValidationError(
      'OPTION_INVALID',
      field,
      `expected a token of at least ${LEAST_TOKEN_LENGTH} characters, got one of ${token.length}; make one with: openssl rand -hex 32`,
    );
  if (!TOKEN.test(token))
    throw new ValidationError('OPTION_INVALID', field, 'expected a token of ASCII characters without spaces');
  return token;
}

function hash(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
