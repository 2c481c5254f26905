/**
 * Takes out of a text what names the account, its users and its objects, so that the report can be published.
 *
 * Invariants:
 * - A secret is redacted wherever it stands, in every shape that a driver quotes.
 * - A name is redacted as a word, in any case.
 */
import type { Secrets } from '../../src/store/snowflake/session/secrets.js';

/** Shorter names are left: they would match half of the words. */
const SHORTEST = 2;

export class Redaction {
  readonly #secrets: Secrets;
  readonly #names = new Map<string, string>();

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  /** `name` is shown as `<kind>` from now on. */
  learn(kind: string, name: string | null | undefined): void {
    if (name !== undefined && name !== null && name.length >= SHORTEST) this.#names.set(name.toLowerCase(), kind);
  }

  apply(text: string): string {
    let clean = this.#secrets
      .redact(text)
      .replace(/\b[\w.-]+\.snowflakecomputing\.(com|cn)\b/gi, '<host>')
      .replace(/\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b/g, '<address>');
    // The longest first: one name may contain another.
    for (const [name, kind] of [...this.#names].sort(([a], [b]) => b.length - a.length)) {
      clean = clean.replace(new RegExp(`(?<![\\w$])${escaped(name)}(?![\\w$])`, 'gi'), `<${kind}>`);
    }
    return clean;
  }

  /** The same for every text within a value. */
  applyTo<T>(value: T): T {
    if (typeof value === 'string') return this.apply(value) as T;
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((one: unknown) => this.applyTo(one)) as T;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, this.applyTo(one as unknown)])) as T;
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
