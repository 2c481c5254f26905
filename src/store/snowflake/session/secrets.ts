/**
 * Secrets: whatever of a connection is not known to be harmless. No text that leaves the store may hold one.
 *
 * Law: what is taken for a secret is blotted out in every shape that a driver or a server might quote it in: as it is, line by
 * line (a key has many), without its line ends, as JSON writes it, and as a URL does.
 */
import { types } from 'node:util';
import type { SnowflakeConnection } from '../options.js';

/** Fields of a connection that may be shown; all others are taken for secrets. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...['account', 'accessUrl', 'host', 'region', 'username', 'database', 'schema', 'warehouse', 'role', 'authenticator'],
  ...['application', 'queryTag', 'protocol', 'proxyHost', 'clientConfigFile', 'workloadIdentityProvider'],
  ...['user', 'privateKeyPath', 'tokenFilePath'],
]);
/** Shorter texts are no secrets, and would blot out half of a message. */
const SHORTEST = 3;
/** Shorter lines of a longer text are none by themselves. */
const SHORTEST_LINE = 8;

/** Blots out the secrets of every connection it has been shown. */
export class Secrets {
  readonly #known = new Set<string>();

  learn(connection: SnowflakeConnection | undefined): void {
    this.#search(connection, new Set());
  }

  /** The longest first: one may be a part of another. */
  redact(text: string): string {
    let clean = text;
    const known = [...this.#known].sort((a, b) => b.length - a.length);
    for (const secret of known) clean = clean.replaceAll(secret, '***');
    return clean;
  }

  #search(holder: unknown, seen: Set<unknown>): void {
    if (typeof holder !== 'object' || holder === null || seen.has(holder)) return;
    seen.add(holder);
    if (types.isUint8Array(holder)) return this.#keep(Buffer.from(holder).toString());
    for (const [field, value] of Object.entries(holder)) {
      if (typeof value !== 'string') this.#search(value, seen);
      else if (HARMLESS.has(field)) this.#keep(passwordOf(value));
      else this.#keep(value);
    }
  }

  #keep(secret: string): void {
    if (secret.length < SHORTEST) return;
    const lines = secret.split(/[\r\n]+/).filter((line) => line.length >= SHORTEST_LINE && !line.startsWith('-----'));
    const body = lines.join('');
    for (const one of [secret, body, ...lines]) {
      if (one === '') continue;
      for (const shape of [one, JSON.stringify(one).slice(1, -1), inUrl(one)]) this.#known.add(shape);
    }
  }
}

/** What stands before the host of a URL; nothing in most. */
function passwordOf(url: string): string {
  return /^\w+:\/\/[^/@]*:([^/@]+)@/.exec(url)?.[1] ?? '';
}

function inUrl(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text; // half a surrogate
  }
}
