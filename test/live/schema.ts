/**
 * The schema of a check: created under a random name, and dropped at the end.
 *
 * Invariants:
 * - It is dropped over a session of its own, because the others may be closed or in the middle of a statement.
 * - The name is random and new: nothing but what this check has created is ever dropped.
 */
import { randomBytes } from 'node:crypto';
import { identifier } from '../../src/store/snowflake/table-names.js';
import type { Connect } from './session.js';

export interface Place {
  readonly database: string;
  readonly schema: string;
}

const TRIES = 3;

export class OwnSchema {
  readonly place: Place;
  readonly #connect: Connect;
  #mayExist = false;

  constructor(database: string, connect: Connect) {
    this.place = { database, schema: `FLEET_Q_LIVE_${randomBytes(6).toString('hex').toUpperCase()}` };
    this.#connect = connect;
  }

  get #name(): string {
    return `${identifier(this.place.database)}.${identifier(this.place.schema)}`;
  }

  /** The statement that drops it, to run by hand. */
  get dropStatement(): string {
    return `DROP SCHEMA IF EXISTS ${this.#name}`;
  }

  /** @throws DriverError */
  async create(): Promise<void> {
    const session = await this.#connect();
    try {
      this.#mayExist = true; // also if the reply is lost
      await session.run(`CREATE SCHEMA ${this.#name}`);
    } finally {
      await session.close();
    }
  }

  /** Drops it. @returns why it could not be dropped; `undefined` if it is gone */
  async drop(): Promise<Error | undefined> {
    if (!this.#mayExist) return undefined;
    let failure: unknown;
    for (let i = 0; i < TRIES; i++) {
      try {
        const session = await this.#connect();
        try {
          await session.run(this.dropStatement);
          this.#mayExist = false;
          return undefined;
        } finally {
          await session.close();
        }
      } catch (error) {
        failure = error;
      }
    }
    return failure as Error;
  }
}
