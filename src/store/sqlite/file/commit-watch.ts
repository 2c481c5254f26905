/**
 * The watch of one store: learns of other connections' commits.
 *
 * Invariants: the file's watch says that something happened, `PRAGMA data_version` whether another connection did it: a
 * store's own commits wake nobody. In memory nobody else can change anything, so nothing is watched.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import { watchFile } from './wal-watch.js';

/** What a watch needs of an open file. */
export interface WatchedFile {
  readonly path: string;
  /** Moves with every commit of other connections; may throw. */
  readonly dataVersion: () => number;
  /** Called when the file may have been renamed or deleted. */
  readonly onMoved: () => void;
}

export class CommitWatch {
  readonly #runtime: Runtime;
  readonly #listeners = new Map<object, () => void>();
  #watched: WatchedFile | undefined;
  #seen = 0;
  #unwatch: (() => void) | undefined;
  #stopped = false;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
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
  start(watched: WatchedFile): void {
    this.#watched = watched;
    this.#begin();
  }

  /** The file is to be closed: nobody is called any more. */
  stop(): void {
    this.#stopped = true;
    this.#listeners.clear();
    this.#watched = undefined;
    this.#end();
  }

  #begin(): void {
    const watched = this.#watched;
    if (this.#stopped || watched === undefined || this.#listeners.size === 0 || this.#unwatch !== undefined) return;
    this.#look(); // from here on
    this.#unwatch = watchFile(this.#runtime, watched.path, (moved) => {
      if (moved) watched.onMoved();
      this.#look();
    });
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
      return this.#watched?.dataVersion() ?? this.#seen;
    } catch {
      return -1;
    }
  }

  #end(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#seen = 0;
  }
}
