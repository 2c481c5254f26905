/**
 * The watch: learns of other processes' commits.
 *
 * Law: `fs.watch` on the -wal says that something happened, `PRAGMA data_version` whether another connection did it: our
 * own commits wake nobody. Where the file system tells nothing, a poll of 20 ms asks instead. Watching opens no
 * descriptor of a file that SQLite locks, and keeps no process alive.
 */
import { watch, type FSWatcher } from 'node:fs';
import type { Runtime, Timer } from '../../runtime/runtime.js';
import { MEMORY } from './database.js';

const POLL_MS = 20;

export class Watch {
  readonly #runtime: Runtime;
  readonly #path: string;
  readonly #listeners = new Map<object, () => void>();
  #dataVersion: (() => number) | undefined;
  #seen = 0;
  #watcher: FSWatcher | undefined;
  #poll: Timer | undefined;
  #stopped = false;

  constructor(runtime: Runtime, path: string) {
    this.#runtime = runtime;
    this.#path = path;
  }

  /** Calls `onChange` after others changed something, from when the file is open on. Returns what ends it. */
  add(onChange: () => void): () => void {
    const key = {};
    this.#listeners.set(key, onChange);
    this.#begin();
    return () => {
      this.#listeners.delete(key);
      if (this.#listeners.size === 0) this.#end();
    };
  }

  /** Calls everybody: something changed that no commit of others tells of. */
  call(): void {
    for (const listener of [...this.#listeners.values()]) listener();
  }

  /** The file is open now. */
  start(dataVersion: () => number): void {
    this.#dataVersion = dataVersion;
    this.#begin();
  }

  /** The file is to be closed: nobody is called any more. */
  stop(): void {
    this.#stopped = true;
    this.#listeners.clear();
    this.#dataVersion = undefined;
    this.#end();
  }

  #begin(): void {
    // In memory nobody else can change anything.
    if (this.#stopped || this.#path === MEMORY) return;
    if (this.#dataVersion === undefined || this.#listeners.size === 0) return;
    if (this.#watcher !== undefined || this.#poll !== undefined) return;
    this.#look(); // from here on
    try {
      this.#watcher = watch(`${this.#path}-wal`, { persistent: false }, () => this.#look());
      this.#watcher.on('error', () => this.#pollInstead());
    } catch {
      this.#pollInstead();
    }
  }

  #pollInstead(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    const again = (): void => {
      this.#poll = this.#runtime.after(
        POLL_MS,
        () => {
          this.#look();
          if (this.#poll !== undefined) again();
        },
        { ref: false },
      );
    };
    again();
  }

  #look(): void {
    const version = this.#version();
    if (version === this.#seen) return;
    const first = this.#seen === 0;
    this.#seen = version;
    if (!first) this.call();
  }

  /** BUSY, or about to be closed: as good as a change, the next look will tell. */
  #version(): number {
    try {
      return this.#dataVersion?.() ?? this.#seen;
    } catch {
      return -1;
    }
  }

  #end(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#poll?.cancel();
    this.#poll = undefined;
    this.#seen = 0;
  }
}
