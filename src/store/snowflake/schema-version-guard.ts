/**
 * Whether a newer version of the library has migrated the tables, while they were open, past what this version may write.
 *
 * Invariants:
 * - `check` passes only on an answer that says how the tables stood less than a minute before the call. An answer's age
 *   counts from when it was asked for, because that is when the server may have read, and it may have read late.
 * - Heartbeats and opening bring answers too, so that a pod that beats more often than that sends no statement for this.
 *   Otherwise it is one statement at a time, however many calls wait for it.
 * - Versions rise. An answer that is lower than one before was read late, unless it was asked for so much later that it
 *   cannot have been: then an administrator has taken a migration back.
 */
import { StoreError } from '../../errors.js';
import type { Runtime } from '../../runtime/runtime.js';
import { number } from './rows.js';
import type { StatementRunner } from './session/session.js';

/** For how long an answer counts, where nothing is read late. */
export const VALID_MS = 60_000;
/** The same, however late reads may be. */
const LEAST_VALID_MS = 5_000;

export interface SchemaVersionGuardParts {
  readonly runtime: Runtime;
  readonly session: StatementRunner;
  /** Reads the versions that the tables have been brought to. */
  readonly statement: string;
  /** The version of the schema that this code writes. */
  readonly version: number;
  /** How late, at most, others' rows are read. */
  readonly staleReadMs: number;
  /** Where the tables are, for messages. */
  readonly place: string;
}

export class SchemaVersionGuard {
  readonly #parts: SchemaVersionGuardParts;
  #askedAt = -Infinity;
  #oldestAllowed = 0;
  /** When it was last known to be so high. */
  #knownAt = -Infinity;
  #reading: Promise<void> | undefined;

  constructor(parts: SchemaVersionGuardParts) {
    this.#parts = parts;
  }

  /** By all answers so far, however old they are. */
  get outdated(): boolean {
    return this.#oldestAllowed > this.#parts.version;
  }

  /** Call it before asking, and what it returns with the answer: the oldest version that may write the tables. */
  asking(): (oldestAllowed: number) => void {
    const { runtime, staleReadMs } = this.#parts;
    const askedAt = runtime.monotonicMs();
    return (oldestAllowed) => {
      this.#askedAt = Math.max(this.#askedAt, askedAt);
      const mayBeLate = askedAt < this.#knownAt + staleReadMs;
      if (oldestAllowed < this.#oldestAllowed && mayBeLate) return;
      this.#oldestAllowed = oldestAllowed;
      this.#knownAt = runtime.monotonicMs();
    };
  }

  /** Call it before a change that only a version may make that knows the tables. @throws StoreError `STORE_SCHEMA_NEWER` */
  async check(): Promise<void> {
    const { runtime, place, version, staleReadMs } = this.#parts;
    const since = runtime.monotonicMs() - Math.max(LEAST_VALID_MS, VALID_MS - staleReadMs);
    // A reading that has been under way for too long does not suffice; one that begins here does.
    while (this.#askedAt < since) await (this.#reading ??= this.#read());
    if (this.outdated) throw schemaNewer(place, this.#oldestAllowed, version);
  }

  async #read(): Promise<void> {
    const { session, statement } = this.#parts;
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
    `the tables in ${place} were migrated by a newer fleet-q: they may be written from version ${oldestAllowed} of the schema on, this one knows ${version}; update fleet-q in this process`,
    false,
  );
}
