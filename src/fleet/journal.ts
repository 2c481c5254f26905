/**
 * The leader's record of its recovery cycles: dead pods, orphans, what was requeued, what was made terminal.
 *
 * Law: local, bounded, and never in the way. It is opened when its pod is first elected. Where it cannot be opened or
 * written, the records wait in memory (the newest of them), recovery goes on, and `store:error` says so once. No call
 * keeps the event loop for long: what is large goes in pieces, and a file that another process holds is waited for
 * without blocking.
 */
import { asError } from '../errors.js';
import type { Events } from '../events.js';
import type { Log } from '../log.js';
import type { Runtime } from '../runtime/runtime.js';
import { OutageTracker } from '../store/outage-tracker.js';
import { JournalFile } from './journal-file.js';
import { KEPT_CYCLES } from './journal-statements.js';
import type { RecoveryRecord } from './recovery-record.js';

export interface JournalParts {
  readonly runtime: Runtime;
  readonly events: Events;
  readonly log: Log;
  /** A file, or `:memory:`. */
  readonly path: string;
}

const OPERATION = 'journal';

export class Journal {
  readonly #parts: JournalParts;
  readonly #outages: OutageTracker;
  #file: JournalFile | undefined;
  /** The oldest first. */
  #unwritten: RecoveryRecord[] = [];
  #queue: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(parts: JournalParts) {
    this.#parts = parts;
    this.#outages = new OutageTracker(parts.runtime, parts.events, parts.log);
  }

  /** Opens the file. Never rejects. */
  open(): Promise<void> {
    return this.#inTurn(() => this.#opened().then(() => {}));
  }

  /** Adds a cycle, together with what could not be written before. Never rejects. */
  record(record: RecoveryRecord): Promise<void> {
    this.#unwritten.push(record);
    if (this.#unwritten.length > KEPT_CYCLES) this.#unwritten.shift();
    return this.#inTurn(() => this.#flush());
  }

  /** The newest cycles first. */
  async history(limit: number): Promise<readonly RecoveryRecord[]> {
    let written: readonly RecoveryRecord[] = [];
    await this.#inTurn(async () => {
      written = (await (await this.#opened())?.read(limit)) ?? [];
    });
    const known = new Set(written.map(({ cycleId }) => cycleId));
    const waiting = this.#unwritten.filter(({ cycleId }) => !known.has(cycleId)).reverse();
    return [...waiting, ...written].slice(0, limit);
  }

  /** Waits for what is under way, then lets the file go. */
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
    for (let next = this.#unwritten[0]; next !== undefined; next = this.#unwritten[0]) {
      await file.write(next);
      if (this.#unwritten[0] === next) this.#unwritten.shift();
    }
    await file.trim();
    this.#outages.succeeded(OPERATION);
  }

  async #opened(): Promise<JournalFile | undefined> {
    if (this.#closed) return undefined;
    return (this.#file ??= await JournalFile.open(this.#parts.runtime, this.#parts.path));
  }

  /** Runs one piece of work after another. Never rejects: a failure is logged, and the records wait in memory. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    return (this.#queue = this.#queue.then(work).catch((error: unknown) => this.#failed(error)));
  }

  #failed(error: unknown): void {
    const [path, unwritten] = [this.#parts.path, this.#unwritten.length];
    this.#parts.log.warn(
      { path, unwritten, error: asError(error).message },
      'recovery journal failed; keeping its records in memory',
    );
    this.#outages.failed(OPERATION, error);
  }
}
