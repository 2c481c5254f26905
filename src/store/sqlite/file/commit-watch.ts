/**
 * Calls a store's listeners after commits of other connections.
 *
 * Invariants:
 * - The watch of the `-wal` shows that something was committed, and `PRAGMA data_version` whether by another connection. A
 *   store's own commits call no listener.
 * - In memory there is no other connection, so nothing is watched.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import { watchFile } from './wal-watch.js';

/** An open file that can be watched. */
export interface WatchedFile {
  readonly path: string;
  /** Changes with every commit of another connection; may throw. */
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

  /** Calls `onChange` after commits of others, once the file is open. @returns removes the listener */
  add(onChange: () => void): () => void {
    const key = {};
    this.#listeners.set(key, onChange);
    this.#begin();
    return () => {
      this.#listeners.delete(key);
      if (this.#listeners.size === 0) this.#end();
    };
  }

  /** Calls all listeners: for a change of this store that its own listeners must see. */
  call(): void {
    for (const listener of [...this.#listeners.values()]) listener();
  }

  /** Begins to watch the file. */
  start(watched: WatchedFile): void {
    this.#watched = watched;
    this.#begin();
  }

  /** The store closes: no listener is called any more. */
  stop(): void {
    this.#stopped = true;
    this.#listeners.clear();
    this.#watched = undefined;
    this.#end();
  }

  #begin(): void {
    const watched = this.#watched;
    if (this.#stopped || watched === undefined || this.#listeners.size === 0 || this.#unwatch !== undefined) return;
    this.#check(); // only later commits count
    this.#unwatch = watchFile(this.#runtime, watched.path, (moved) => {
      if (moved) watched.onMoved();
      this.#check();
    });
  }

  #check(): void {
    const version = this.#version();
    if (version === this.#seen) return;
    const first = this.#seen === 0;
    this.#seen = version;
    if (!first) this.call();
  }

  /** If it cannot be read (the file is BUSY), it counts as a change. */
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
