/**
 * Redacts the secrets of connections from every text that leaves the store.
 *
 * Invariants:
 * - A field of a connection is a secret unless it is known to be harmless.
 * - A secret is redacted in every shape in which a driver or a server might quote it: as it is, line by line (a key has many
 *   lines), without its line ends, as JSON writes it, and as a URL writes it.
 */
import { types } from 'node:util';
import type { SnowflakeConnection } from '../options.js';

/** Fields of a connection that may be shown. All others are secrets. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...['account', 'accessUrl', 'host', 'region', 'username', 'database', 'schema', 'warehouse', 'role', 'authenticator'],
  ...['application', 'queryTag', 'protocol', 'proxyHost', 'clientConfigFile', 'workloadIdentityProvider'],
  ...['user', 'privateKeyPath', 'tokenFilePath'],
]);
/** A shorter text is no secret, and redacting it would hide half of a message. */
const SHORTEST = 3;
/** A shorter line of a longer text is no secret by itself. */
const SHORTEST_LINE = 8;

/** Knows the secrets of every connection that it has learnt. */
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

/** The password in a URL; empty in most. */
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
