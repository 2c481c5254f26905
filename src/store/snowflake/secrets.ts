/** Secrets: whatever of a connection is not known to be harmless. No text that leaves the store may hold one. */
import type { SnowflakeConnection } from './options.js';

/** Fields of a connection that may be shown; all others are taken for secrets. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...['account', 'accessUrl', 'host', 'region', 'username', 'database', 'schema', 'warehouse', 'role', 'authenticator'],
  ...['application', 'queryTag', 'protocol', 'proxyHost', 'clientConfigFile', 'workloadIdentityProvider'],
]);
/** Shorter texts are no secrets, and would blot out half of a message. */
const SHORTEST = 3;

/** Blots out the secrets of every connection it has been shown. */
export class Secrets {
  readonly #known = new Set<string>();

  learn(connection: SnowflakeConnection | undefined): void {
    for (const [field, value] of Object.entries(connection ?? {})) {
      if (typeof value === 'string' && value.length >= SHORTEST && !HARMLESS.has(field)) this.#known.add(value);
    }
  }

  redact(text: string): string {
    let clean = text;
    for (const secret of this.#known) clean = clean.replaceAll(secret, '***');
    return clean;
  }
}
