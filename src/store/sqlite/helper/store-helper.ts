/**
 * Sends a store's long work to the helper thread that all stores of the process share.
 *
 * Invariants:
 * - The store joins the thread when it first needs it.
 * - Checkpoints run one at a time, after about 1,000 written rows.
 * - Without a thread, `usable` is false, one log line says why, and the store does the same work inline.
 * - If the thread exits or hangs, the store works inline for a pause, then joins a new thread. Each pause is twice as long
 *   as the one before, an hour at most. After a thread that lasted longer than an hour, the pauses begin anew.
 * - If the thread's module cannot be loaded, or the thread finds another file at the path, the store works inline
 *   permanently.
 */
import { StoreError } from '../../../errors.js';
import { loggedError, type Log, type LogFields } from '../../../log.js';
import { doubledMs } from '../../../runtime/backoff.js';
import type { ListFilter, ListPage, PruneReply } from '../../contract.js';
import type { HelperTask, HelperTaskName, HelperTasks, HelperFile } from './messages.js';
import type { ThreadShare, ThreadsOfProcess } from './threads-of-process.js';
import type { PackedStats } from './stats-encoding.js';

/** Written rows after which the helper checkpoints. */
const CHECKPOINT_ROWS = 1_000;
/** How long a store works inline after its thread is gone: the first pause, and the longest. */
const PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** How long a thread may be silent while the store closes. */
const CLOSE_SILENCE_MS = 3_000;

export interface StoreHelperDependencies {
  readonly threads: ThreadsOfProcess;
  /** `undefined`: the path of the thread's module is not known. */
  readonly workerUrl: URL | undefined;
  readonly file: HelperFile;
  readonly busyTimeoutMs: number;
  readonly log: Log;
  readonly monotonicMs: () => number;
  /** Called when the thread is gone. */
  readonly onGone: () => void;
  /** Called when the store has joined a new thread. */
  readonly onBack: () => void;
}

export class StoreHelper {
  readonly #deps: StoreHelperDependencies;
  /** Rejects the calls that wait for a thread that is gone. */
  readonly #abandon = new Set<(error: Error) => void>();
  #share: ThreadShare | undefined;
  #unhear: (() => void) | undefined;
  #state: 'usable' | 'pausing' | 'inline' | 'closed' = 'usable';
  #pauseMs = PAUSE_MS;
  /** When the thread was joined; while `pausing`, when the pause began. */
  #since = 0;
  /** The release of the share in a thread that is gone. */
  #leaving: Promise<void> | undefined;
  #rows = 0;
  #checkpointing = false;

  constructor(deps: StoreHelperDependencies) {
    this.#deps = deps;
  }

  /** Whether a thread can be given work. */
  get usable(): boolean {
    return this.#state === 'usable' || (this.#state === 'pausing' && this.#lastedMs() >= this.#pauseMs);
  }

  stats(now: number): Promise<PackedStats> {
    return this.#run('stats', { now });
  }

  list(filter: ListFilter, after: number): Promise<ListPage> {
    return this.#run('list', { filter, after });
  }

  prune(now: number, keepMs: number): Promise<PruneReply> {
    return this.#run('prune', { now, keepMs });
  }

  /** Counts written rows, and starts a checkpoint when there are enough. */
  wrote(rows: number): void {
    this.#rows += rows;
    if (this.#rows < CHECKPOINT_ROWS || this.#checkpointing || !this.usable) return;
    this.#rows = 0;
    this.#checkpointing = true;
    const done = (): void => {
      this.#checkpointing = false;
    };
    this.#run('checkpoint', {}, false).then(done, (error: unknown) => {
      done();
      this.#deps.log.debug({ error: loggedError(error) }, 'checkpoint failed; the next one is due after 1,000 rows');
    });
  }

  /** The store closes: if calls wait for a thread that is silent for 3 s, they are rejected. Never rejects itself. */
  async abandonIfHung(): Promise<void> {
    if (this.#abandon.size === 0 || this.#share === undefined) return;
    if (!(await this.#share.thread.answers(CLOSE_SILENCE_MS)))
      this.#workInline(new Error('the helper thread does not answer'));
  }

  /** Resolves when the thread has closed the file, or after 3 s. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#unhear?.();
    await Promise.all([this.#leaving, this.#share?.release()]);
  }

  async #run<N extends HelperTaskName>(
    name: N,
    input: HelperTasks[N]['input'],
    holdsProcess = true,
  ): Promise<HelperTasks[N]['output']> {
    const share = this.usable ? (this.#share ?? this.#join()) : undefined;
    if (share === undefined) throw new StoreError('STORE_UNAVAILABLE', 'the store has no helper thread for now', true);
    const { file, busyTimeoutMs } = this.#deps;
    const task = { kind: 'task', file, busyTimeoutMs, name, input } as HelperTask;
    try {
      return await this.#orAbandoned(share.thread.run(task, holdsProcess));
    } catch (error) {
      if (error instanceof StoreError && error.code === 'STORE_FILE_REPLACED') this.#workInline(error);
      throw error;
    }
  }

  #join(): ThreadShare | undefined {
    const { threads, workerUrl, file, log, onBack } = this.#deps;
    if (workerUrl === undefined) {
      this.#workInline(new Error('the path of its module is not known in this bundle; set the option workerUrl'));
      return undefined;
    }
    const isBack = this.#state === 'pausing';
    if (isBack) this.#pauseMs = doubledMs(this.#pauseMs, LONGEST_PAUSE_MS);
    this.#state = 'usable';
    this.#since = this.#deps.monotonicMs();
    const share = (this.#share = threads.share(workerUrl, file));
    const { thread } = share;
    if (thread.gone !== undefined) {
      this.#lose(share, thread.gone);
      return undefined;
    }
    this.#unhear = thread.onGone((error) => this.#lose(share, error));
    if (isBack) {
      log.info({}, 'joined a new helper thread; checkpoints, stats and long lists run there');
      onBack();
    }
    return share;
  }

  /** The thread is gone: the store works inline until the pause is over. */
  #lose(share: ThreadShare, error: Error): void {
    if (share.thread.unloadable || this.#state !== 'usable') return this.#workInline(error);
    if (this.#lastedMs() > LONGEST_PAUSE_MS) this.#pauseMs = PAUSE_MS;
    this.#state = 'pausing';
    this.#since = this.#deps.monotonicMs();
    this.#share = undefined;
    this.#unhear?.();
    this.#leaving = share.release();
    this.#withdraw(error, { retryInMs: this.#pauseMs });
  }

  #lastedMs(): number {
    return this.#deps.monotonicMs() - this.#since;
  }

  #orAbandoned<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#abandon.add(reject);
      work.then(resolve, reject).finally(() => this.#abandon.delete(reject));
    });
  }

  /** The store works inline permanently. */
  #workInline(error: Error): void {
    if (this.#state === 'inline' || this.#state === 'closed') return;
    this.#state = 'inline';
    this.#withdraw(error, {});
  }

  #withdraw(error: Error, fields: LogFields): void {
    const { log, onGone } = this.#deps;
    const { message } = error;
    log.warn(
      { error: loggedError(error), ...fields },
      'no helper thread: checkpoints, stats and long lists run inline',
    );
    onGone();
    for (const reject of this.#abandon) reject(new StoreError('STORE_UNAVAILABLE', message, true));
  }
}
