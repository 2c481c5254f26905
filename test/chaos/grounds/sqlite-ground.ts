/** One SQLite file. It keeps its history itself, by triggers, so it is the evidence as it stands. */
import Database from 'better-sqlite3';
import { keepHistory } from '../history.js';
import type { Ledger } from '../ledger.js';
import { Life } from '../life.js';
import { fileIn } from '../settings.js';
import type { Ground } from './ground.js';

export class SqliteGround implements Ground {
  readonly scale = 1;
  readonly #file: string;
  readonly #ledger: Ledger;
  readonly #lockers = new Set<Life>();
  #reader: Database.Database | undefined;

  constructor(folder: string, ledger: Ledger) {
    this.#file = fileIn(folder);
    this.#ledger = ledger;
  }

  async keepHistory(): Promise<void> {
    const connection = new Database(this.#file, { timeout: 10_000 });
    keepHistory(connection);
    connection.close();
  }

  /** A process that is no pod holds the lock. A frozen pod may hold it for longer than that process waits. */
  async lock(lastsMs: number): Promise<boolean> {
    const locker = new Life('locker', 'locker', [this.#file, String(lastsMs)], this.#ledger);
    this.#lockers.add(locker);
    return (await locker.ended) === 0;
  }

  async isWorkLeft(): Promise<boolean> {
    this.#reader ??= new Database(this.#file, { readonly: true, timeout: 10_000 });
    const left = "SELECT 1 FROM STEP_TRACKER WHERE status IN ('pending', 'claimed') LIMIT 1";
    return this.#reader.prepare(left).get() !== undefined;
  }

  async collect(): Promise<void> {}

  async close(): Promise<void> {
    this.#reader?.close();
    this.#reader = undefined;
    for (const locker of this.#lockers) locker.killNow();
    await Promise.all([...this.#lockers].map((locker) => locker.ended));
  }
}
