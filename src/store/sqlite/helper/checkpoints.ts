/**
 * Checkpoints: copies commits from the -wal into the database file.
 *
 * Invariants:
 * - PASSIVE blocks nobody. But under steady writes it never lets the -wal start over, so the -wal grows.
 * - RESTART makes the -wal start over. It runs only when PASSIVE has copied everything and the -wal is larger than 16 MiB.
 *   Without a busy timeout, it waits for nobody.
 */
import type { Database } from 'better-sqlite3';
import { CHECKPOINT, PAGE_SIZE } from '../file/statements.js';

/** A larger -wal is restarted. */
const LARGE_BYTES = 16 * 1024 * 1024;
/** The header of each page in the -wal. */
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

  /** @returns the stronger of the checkpoints that ran */
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
