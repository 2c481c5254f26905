/**
 * Keeps the records of this pod's recovery cycles: dead pods, orphans, and the decision about each orphan.
 *
 * Invariants:
 * - The journal is local to its process and bounded: it keeps the newest 1,000 cycles.
 * - With the path `:memory:`, which is the default, it keeps them in plain memory and loads no driver.
 * - With a file, it opens the file when its pod is first elected. If the file cannot be opened or written, or the SQLite
 *   driver is missing, the cycles stay in memory, recovery continues, and `store:error` is emitted and logged once. The next
 *   cycle tries the file again.
 * - Nobody else holds the records that it keeps in memory: `history` returns copies.
 * - No call blocks the event loop for long: large cycles are written in pieces, and the wait for a file that another
 *   process has locked is asynchronous.
 */
import { EVENT_LINES, type Events } from '../events.js';
import { MEMORY } from '../files/file-path.js';
import type { Log } from '../log.js';
import type { Runtime } from '../runtime/runtime.js';
import { OutageTracker, type OutageLines } from '../store/outage-tracker.js';
import { JournalFile } from './journal-file.js';
import { KEPT_CYCLES } from './journal-statements.js';
import type { RecoveryRecord } from './recovery-record.js';

export interface JournalDependencies {
  readonly runtime: Runtime;
  readonly events: Events;
  readonly log: Log;
  /** A file, or `:memory:`. */
  readonly path: string;
}

const OPERATION = 'journal';
const OUTAGE_LINES: OutageLines = { begins: EVENT_LINES.journalError, isOver: EVENT_LINES.journalRecovered };

export class Journal {
  readonly #runtime: Runtime;
  readonly #path: string;
  readonly #outages: OutageTracker;
  #file: JournalFile | undefined;
  /** Cycles that are not in a file, the oldest first: all of them if the path is `:memory:`. */
  readonly #inMemory: RecoveryRecord[] = [];
  #queue: Promise<void> = Promise.resolve();
  #closed = false;

  constructor({ runtime, events, log, path }: JournalDependencies) {
    this.#runtime = runtime;
    this.#path = path;
    this.#outages = new OutageTracker(runtime, events, log, OUTAGE_LINES);
  }

  /** Opens the file, if the path names one. Never rejects. */
  open(): Promise<void> {
    return this.#inTurn(() => this.#opened().then(() => {}));
  }

  /** Adds a cycle, and writes those that could not be written before. Never rejects. */
  record(record: RecoveryRecord): Promise<void> {
    this.#inMemory.push(record);
    if (this.#inMemory.length > KEPT_CYCLES) this.#inMemory.shift();
    return this.#inTurn(() => this.#flush());
  }

  /** The newest cycles first. */
  async history(limit: number): Promise<readonly RecoveryRecord[]> {
    let written: readonly RecoveryRecord[] = [];
    await this.#inTurn(async () => {
      written = (await (await this.#opened())?.read(limit)) ?? [];
    });
    const known = new Set(written.map(({ cycleId }) => cycleId));
    const waiting = this.#inMemory.filter(({ cycleId }) => !known.has(cycleId)).reverse();
    return [...structuredClone(waiting.slice(0, limit)), ...written].slice(0, limit);
  }

  /** Waits for writes in progress, then closes the file. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      this.#closed = true;
      this.#file?.close();
      this.#file = undefined;
    });
  }

  async #flush(): Promise<void> {
    const file = await this.#opened();
    if (file === undefined) return;
    for (let next = this.#inMemory[0]; next !== undefined; next = this.#inMemory[0]) {
      await file.write(next);
      if (this.#inMemory[0] === next) this.#inMemory.shift();
    }
    await file.trim();
    this.#outages.succeeded(OPERATION);
  }

  async #opened(): Promise<JournalFile | undefined> {
    if (this.#closed || this.#path === MEMORY) return undefined;
    return (this.#file ??= await JournalFile.open(this.#runtime, this.#path));
  }

  /** Runs one piece of work after another. Never rejects: after a failure the cycles stay in memory. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    return (this.#queue = this.#queue.then(work).catch((error: unknown) => this.#failed(error)));
  }

  #failed(error: unknown): void {
    this.#outages.failed(OPERATION, error, { path: this.#path, cycles: this.#inMemory.length });
  }
}
