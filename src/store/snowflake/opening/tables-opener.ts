/**
 * Opens the tables once, for all calls that need them.
 *
 * Invariants:
 * - Calls that come while the tables are being opened share that opening. After a failure, the next call tries again.
 * - Once the tables were open, newer tables are no error: what runs may still be settled.
 */
import type { SchemaVersionGuard } from '../schema-version-guard.js';
import { openTables } from './open-tables.js';
import type { OpeningContext } from './opening-context.js';

export class TablesOpener {
  readonly #schemaGuard: SchemaVersionGuard;
  readonly #context: OpeningContext;
  #opening: Promise<void> | undefined;
  #wasOpen = false;

  constructor(schemaGuard: SchemaVersionGuard, context: OpeningContext) {
    this.#schemaGuard = schemaGuard;
    this.#context = context;
  }

  /** @throws StoreError */
  async open(): Promise<void> {
    this.#opening ??= this.#open();
    try {
      await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  /** Opens the tables again, after somebody has changed them or the grants on them: the error then says what is wrong. */
  reopen(): Promise<void> {
    this.#opening = undefined;
    return this.open();
  }

  async #open(): Promise<void> {
    const learn = this.#schemaGuard.asking();
    learn(await openTables({ ...this.#context, reopening: this.#wasOpen }));
    this.#wasOpen = true;
  }
}
