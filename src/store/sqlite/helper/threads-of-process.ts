/**
 * Shares one helper thread for each module among all stores of this process.
 *
 * Invariants:
 * - A thread starts with its first store and ends with its last.
 * - A thread that is gone is not shared any more: the next store gets a new one.
 * - The thread closes a file when the last store of that file releases its share.
 */
import type { HelperFile } from './messages.js';
import { HelperThread } from './helper-thread.js';

/** A store's share in a thread. */
export interface ThreadShare {
  readonly thread: HelperThread;
  /** Closes the file and ends the thread if no other store uses them. Resolves after a few seconds at most. */
  release(): Promise<void>;
}

interface Shared {
  readonly thread: HelperThread;
  users: number;
  /** How many stores use each file. */
  readonly files: Map<string, number>;
}

export class ThreadsOfProcess {
  readonly #threads = new Map<string, Shared>();
  readonly #start: (workerUrl: URL) => HelperThread;

  /** @param start starts a thread; for tests */
  constructor(start = (workerUrl: URL): HelperThread => new HelperThread(workerUrl)) {
    this.#start = start;
  }

  share(workerUrl: URL, { key }: HelperFile): ThreadShare {
    const { href } = workerUrl;
    const shared = this.#threads.get(href) ?? started(this.#start(workerUrl));
    this.#threads.set(href, shared);
    shared.users++;
    shared.files.set(key, (shared.files.get(key) ?? 0) + 1);
    const forget = (): void => {
      if (this.#threads.get(href) === shared) this.#threads.delete(href);
    };
    if (shared.thread.gone !== undefined) forget();
    const removeListener = shared.thread.onGone(forget);
    let released: Promise<void> | undefined;
    const release = (): Promise<void> => {
      removeListener();
      return (released ??= this.#release(shared, key, forget));
    };
    return { thread: shared.thread, release };
  }

  async #release(shared: Shared, key: string, forget: () => void): Promise<void> {
    const { thread, files } = shared;
    const users = (files.get(key) ?? 1) - 1;
    if (users > 0) files.set(key, users);
    else files.delete(key);
    const isLast = --shared.users === 0;
    if (isLast) forget();
    if (users === 0 && thread.gone === undefined) await thread.close(key);
    if (isLast) await thread.end();
  }
}

function started(thread: HelperThread): Shared {
  return { thread, users: 0, files: new Map() };
}

/** The threads of this process. */
export const threadsOfProcess = new ThreadsOfProcess();
