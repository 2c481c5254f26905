/**
 * Watches the `-wal` of a file for commits, once for all stores of this process that have the file open.
 *
 * Invariants:
 * - `fs.watch` opens no descriptor of a file that SQLite locks.
 * - If the file system cannot be watched, a poll every 20 ms replaces the watch.
 * - The watch begins with the first listener and ends with the last. It does not keep the process alive.
 */
import { watch, type FSWatcher } from 'node:fs';
import type { Runtime, Timer } from '../../../runtime/runtime.js';

const POLL_MS = 20;

/** Called when something may have happened. @param moved whether the file may have been renamed or deleted */
export type OnFileChange = (moved: boolean) => void;

/** By runtime, because a poll uses its timers. */
const shared = new WeakMap<Runtime, Map<string, WalWatch>>();

/** Calls `onChange` when the `-wal` of this file may have changed. @returns removes the listener */
export function watchFile(runtime: Runtime, path: string, onChange: OnFileChange): () => void {
  const watches = shared.get(runtime) ?? new Map<string, WalWatch>();
  shared.set(runtime, watches);
  const file = watches.get(path) ?? new WalWatch(runtime, path, () => watches.delete(path));
  watches.set(path, file);
  return file.add(onChange);
}

class WalWatch {
  readonly #runtime: Runtime;
  readonly #onEnd: () => void;
  /** Each under its own key, so that one function may listen twice. */
  readonly #listeners = new Map<object, OnFileChange>();
  #watcher: FSWatcher | undefined;
  #poll: Timer | undefined;

  constructor(runtime: Runtime, path: string, onEnd: () => void) {
    this.#runtime = runtime;
    this.#onEnd = onEnd;
    try {
      this.#watcher = watch(`${path}-wal`, { persistent: false }, (event) => this.#changed(event === 'rename'));
      this.#watcher.on('error', () => this.#pollInstead());
    } catch {
      this.#pollInstead();
    }
  }

  add(listener: OnFileChange): () => void {
    const key = {};
    this.#listeners.set(key, listener);
    return () => {
      if (this.#listeners.delete(key) && this.#listeners.size === 0) this.#end();
    };
  }

  #changed(moved: boolean): void {
    for (const listener of [...this.#listeners.values()]) listener(moved);
  }

  #pollInstead(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    const again = (): void => {
      this.#poll = this.#runtime.after(
        POLL_MS,
        () => {
          this.#changed(false);
          if (this.#poll !== undefined) again();
        },
        { ref: false },
      );
    };
    again();
  }

  #end(): void {
    this.#onEnd();
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#poll?.cancel();
    this.#poll = undefined;
  }
}
