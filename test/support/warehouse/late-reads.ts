/**
 * Decides how late each statement sees what other sessions have committed.
 *
 * Under `READ_CONSISTENCY_MODE = SESSION`, Snowflake's default, a session sees its own changes at once, and those of
 * others "not always immediately". Here a statement sees of each row the newest change that is its session's own, or that
 * another session committed early enough: by as many ms of the store's time as are drawn for the statement.
 *
 * Invariants:
 * - Late is what a statement reads: a SELECT's tables, and the source of an INSERT, UPDATE or DELETE. The rows that an
 *   UPDATE or a DELETE may change are always the newest.
 * - `SYSDATE()` and SYSTEM$LAST_CHANGE_COMMIT_TIME are always of the present: a token may be fresher than what is read.
 * - A session that logs in again is another session: the writes of the old one count as another session's.
 * - What was there when late reads were turned on is old.
 *
 * `oldSources` is another question that Snowflake's documentation leaves open: an UPDATE or a DELETE that waits for its table
 * may read its source as of its start, before the wait, also what its own session wrote, while the rows that it changes are the newest.
 * A fence in the source alone then lets two UPDATEs through.
 *
 * Not modelled: views, definitions, MERGE, INSERT OVERWRITE and CREATE TABLE … AS read and write without delay. In a
 * transaction a change counts from its statement on, not from the COMMIT. Rows are late one by one, not by snapshot: a
 * reader may see a commit and not the one before it, which is more than Snowflake is known to do.
 */
import type { Upstream } from './emulator-client.js';
import type { Statement } from './statement-kind.js';
import type { Clock } from './clock.js';
import type { Session } from './sessions.js';

/** Lateness by chance: evenly up to `mostMs`, and now and then `tailMs`. In ms of the store's time. */
export interface Lateness {
  readonly mostMs: number;
  /** Default `mostMs`. */
  readonly tailMs?: number;
  /** How often it is `tailMs`, 0 to 1. Default 0. */
  readonly tailRate?: number;
  /** Default `Math.random`. */
  readonly random?: () => number;
}

/** How many ms late a statement reads; 0: everything. */
export type Draw = (statement: Statement, session: Session) => number;

/** What the emulator has to know of a statement besides its text. */
export interface Sight {
  /** Whose changes are its own. */
  readonly by: string;
  /** Whether changes have to be recorded, also for statements that see all of them. */
  readonly records: boolean;
  readonly aheadMs: number;
  readonly late?: {
    readonly ms: number;
    /** When late reads were turned on, in epoch ms of the store's clock: what was committed before is old. */
    readonly sinceMs: number;
  };
}

/** The last change that the source of a statement shows. */
export interface SourceInstant {
  readonly lastChange: number;
}

export class LateReads {
  /** Whether an UPDATE or a DELETE reads its source as of its start, however long it waits for its table. */
  oldSources = false;

  readonly #clock: Clock;
  #draw: Draw | undefined;
  #sinceMs = 0;

  constructor(clock: Clock, lateness?: Lateness) {
    this.#clock = clock;
    if (lateness !== undefined) this.between(lateness);
  }

  get draw(): Draw | undefined {
    return this.#draw;
  }

  /** Turns late reads on, or changes how late they are. `undefined` turns them off. */
  set draw(draw: Draw | undefined) {
    if (this.#draw === undefined) this.#sinceMs = this.#clock.nowMs;
    this.#draw = draw;
  }

  between({ mostMs, tailMs = mostMs, tailRate = 0, random = Math.random }: Lateness): void {
    this.draw = () => (random() < tailRate ? tailMs : random() * mostMs);
  }

  /** Every statement sees everything. */
  off(): void {
    this.draw = undefined;
  }

  /** For one run of a statement. */
  of(statement: Statement, session: Session): Sight {
    const sight = { by: session.identity, records: this.oldSources, aheadMs: this.#clock.aheadMs };
    if (this.#draw === undefined) return sight;
    return { ...sight, late: { ms: this.#draw(statement, session), sinceMs: this.#sinceMs } };
  }

  /** As of now, for a statement that starts; `undefined` if it reads its source when it has got its lock. */
  async sourceOf(upstream: Upstream): Promise<SourceInstant | undefined> {
    return this.oldSources ? { lastChange: await upstream.lastChange() } : undefined;
  }
}
