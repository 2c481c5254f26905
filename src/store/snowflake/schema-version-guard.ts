/**
 * Notices when a newer version of the library migrates the open tables to a format that this version may not write.
 *
 * Invariants:
 * - `check` passes only if an answer shows the version of the tables less than a minute before the call. The age of an
 *   answer counts from the question, because the server may have read at that moment, and may have read late.
 * - Heartbeats and opening bring answers, too, so a pod with frequent heartbeats sends no statement for this. Otherwise
 *   one statement runs at a time, however many calls wait for it.
 * - Versions rise. An answer below an earlier one was read late, unless its question came so much later that this is
 *   impossible: then an administrator has reverted a migration.
 */
import { StoreError } from '../../errors.js';
import type { Runtime } from '../../runtime/runtime.js';
import { number } from './rows.js';
import type { StatementRunner } from './session/session-interface.js';

/** How long an answer counts if no read is late. */
export const VALID_MS = 60_000;
/** How long it counts at least, however late reads may be. */
const SHORTEST_VALID_MS = 5_000;

export interface SchemaVersionGuardDependencies {
  readonly runtime: Runtime;
  readonly session: StatementRunner;
  /** Reads the versions that the tables have been brought to. */
  readonly statement: string;
  /** The version of the schema that this code writes. */
  readonly version: number;
  /** How late other sessions' rows may be read, in ms. */
  readonly staleReadMs: number;
  /** Where the tables are, for errors. */
  readonly place: string;
}

export class SchemaVersionGuard {
  readonly #dependencies: SchemaVersionGuardDependencies;
  #askedAt = -Infinity;
  #oldestAllowed = 0;
  /** When it was last known to be that high. */
  #knownAt = -Infinity;
  #reading: Promise<void> | undefined;

  constructor(dependencies: SchemaVersionGuardDependencies) {
    this.#dependencies = dependencies;
  }

  /** By all answers so far, of any age. */
  get outdated(): boolean {
    return this.#oldestAllowed > this.#dependencies.version;
  }

  /** Call it before the question, and call the result with the answer: the oldest version that may write the tables. */
  asking(): (oldestAllowed: number) => void {
    const { runtime, staleReadMs } = this.#dependencies;
    const askedAt = runtime.monotonicMs();
    return (oldestAllowed) => {
      this.#askedAt = Math.max(this.#askedAt, askedAt);
      const mayBeLate = askedAt < this.#knownAt + staleReadMs;
      if (oldestAllowed < this.#oldestAllowed && mayBeLate) return;
      this.#oldestAllowed = oldestAllowed;
      this.#knownAt = runtime.monotonicMs();
    };
  }

  /** Call it before a change that an outdated version must not make. @throws StoreError `STORE_SCHEMA_NEWER` */
  async check(): Promise<void> {
    const { runtime, place, version, staleReadMs } = this.#dependencies;
    const since = runtime.monotonicMs() - Math.max(SHORTEST_VALID_MS, VALID_MS - staleReadMs);
    // A read that started too long ago does not suffice. One that starts here does.
    while (this.#askedAt < since) await (this.#reading ??= this.#read());
    if (this.outdated) throw schemaNewer(place, this.#oldestAllowed, version);
  }

  async #read(): Promise<void> {
    const { session, statement } = this.#dependencies;
    const learn = this.asking();
    try {
      const [row] = await session.run(statement);
      learn(number(row, 'OLDEST'));
    } finally {
      this.#reading = undefined;
    }
  }
}

export function schemaNewer(place: string, oldestAllowed: number, version: number): StoreError {
  return new StoreError(
    'STORE_SCHEMA_NEWER',
    `the tables in ${place} were migrated by a newer fleet-q: they need schema version ${oldestAllowed} or later, this process knows ${version}; update fleet-q in this process`,
    false,
  );
}
