/**
 * Checkpoints: how what was committed to the -wal gets into the database.
 *
 * Law: PASSIVE copies without holding anybody up. It alone never lets the -wal begin anew under steady writes, so that
 * it grows; RESTART does, but waits for nobody here (no busy timeout), and is tried only once there is nothing left to
 * copy and the -wal is large.
 */
import type { Database } from 'better-sqlite3';
import { CHECKPOINT, PAGE_SIZE } from '../connection/statements.js';

/** A -wal above so many bytes is worth a RESTART. */
const LARGE_BYTES = 16 * 1024 * 1024;
/** What each page in the -wal is preceded by. */
const FRAME_HEADER_BYTES = 24;

interface CheckpointRow {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

export class Checkpoints {
  readonly #connection: Database;
  readonly #frameBytes: number;

  constructor(connection: Database) {
    this.#connection = connection;
    this.#frameBytes = FRAME_HEADER_BYTES + (connection.prepare<[], number>(PAGE_SIZE).pluck().get() ?? 4_096);
  }

  /** Answers which of the two it came to. */
  run(): 'passive' | 'restart' {
    const { log, checkpointed } = this.#run(CHECKPOINT.passive);
    if (checkpointed < log || log * this.#frameBytes <= LARGE_BYTES) return 'passive';
    this.#run(CHECKPOINT.restart);
    return 'restart';
  }

  #run(statement: string): CheckpointRow {
    return this.#connection.prepare<[], CheckpointRow>(statement).get() ?? { busy: 1, log: 0, checkpointed: 0 };
  }
}
