/**
 * The helper of one store: what would hold up the host's event loop is done by the thread that all stores of the process
 * share.
 *
 * Invariants: the store takes its share in the thread on first need. Checkpoints run one at a time, after about so many
 * written rows. Without a thread `usable` is false, one line in the log says why, and the same work is done inline. If the
 * thread ends or hangs, that lasts for a pause: then the next need takes a share in a new thread. Each pause is twice as
 * long as the one before, up to a bound, until a thread has lasted for longer than the bound. If the thread's module
 * cannot be loaded, or the thread finds another file at the path, it lasts for good.
 */
import { asError, StoreError } from '../../../errors.js';
import type { Log } from '../../../log.js';
import { doubledMs } from '../../../runtime/backoff.js';
import type { ListFilter, ListPage, PruneReply } from '../../contract.js';
import type { HelperTask, HelperTaskName, HelperTasks, HelperFile } from './messages.js';
import type { ThreadShare, SharedThreads } from './shared-threads.js';
import type { PackedStats } from './stats-encoding.js';

/** Written rows after which a checkpoint is worth its while. */
const CHECKPOINT_ROWS = 1_000;
/** How long a store works without a thread after one is gone: at first, and at most. */
const PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 3_600_000;
/** How long a thread may be silent while the store is being closed. */
const HURRY_MS = 3_000;

export interface StoreHelperParts {
  readonly threads: SharedThreads;
  /** `undefined`: it is not known where the thread's module is. */
  readonly workerUrl: URL | undefined;
  readonly file: HelperFile;
  readonly busyTimeoutMs: number;
  readonly log: Log;
  readonly monotonicMs: () => number;
  /** Called when there is no thread any more. */
  readonly onGone: () => void;
  /** Called when there is one again. */
  readonly onBack: () => void;
}

export class StoreHelper {
  readonly #parts: StoreHelperParts;
  /** Rejects those who still wait for a thread that has been given up. */
  readonly #givenUp = new Set<(error: Error) => void>();
  #share: ThreadShare | undefined;
  #unhear: (() => void) | undefined;
  #state: 'usable' | 'away' | 'dead' | 'closed' = 'usable';
  #pauseMs = PAUSE_MS;
  /** When the last thread was joined; while `away`, when the pause began. */
  #since = 0;
  /** The share in a thread that is gone, on its way out. */
  #leaving: Promise<void> | undefined;
  #rows = 0;
  #checkpointing = false;

  constructor(parts: StoreHelperParts) {
    this.#parts = parts;
  }

  /** Whether something can be asked of a thread. */
  get usable(): boolean {
    return this.#state === 'usable' || (this.#state === 'away' && this.#lastedMs() >= this.#pauseMs);
  }

  stats(now: number): Promise<PackedStats> {
    return this.#ask('stats', { now });
  }

  list(filter: ListFilter, after: number): Promise<ListPage> {
    return this.#ask('list', { filter, after });
  }

  prune(now: number, keepMs: number): Promise<PruneReply> {
    return this.#ask('prune', { now, keepMs });
  }

  /** Counts rows written by this process; brings about a checkpoint now and then. */
  wrote(rows: number): void {
    this.#rows += rows;
    if (this.#rows < CHECKPOINT_ROWS || this.#checkpointing || !this.usable) return;
    this.#rows = 0;
    this.#checkpointing = true;
    const done = (): void => {
      this.#checkpointing = false;
    };
    this.#ask('checkpoint', {}, false).then(done, (error: unknown) => {
      done();
      this.#parts.log.debug({ error: asError(error).message }, 'a checkpoint failed');
    });
  }

  /** The store is to be closed: gives the thread up if it shows no sign of life for a few seconds. Never rejects. */
  async hurry(): Promise<void> {
    if (this.#givenUp.size === 0 || this.#share === undefined) return;
    if (!(await this.#share.thread.answers(HURRY_MS))) this.#giveUp(new Error('the helper thread does not answer'));
  }

  /** Resolves when the file is closed in the thread, or after some seconds. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#unhear?.();
    await Promise.all([this.#leaving, this.#share?.release()]);
  }

  async #ask<N extends HelperTaskName>(
    name: N,
    ask: HelperTasks[N]['ask'],
    held = true,
  ): Promise<HelperTasks[N]['answer']> {
    const share = this.usable ? (this.#share ?? this.#join()) : undefined;
    if (share === undefined) throw new StoreError('STORE_UNAVAILABLE', 'there is no helper thread', true);
    const { file, busyTimeoutMs } = this.#parts;
    const errand = { kind: 'errand', file, busyTimeoutMs, name, ask } as HelperTask;
    try {
      return await this.#orGivenUp(share.thread.ask(errand, held));
    } catch (error) {
      if (error instanceof StoreError && error.code === 'STORE_FILE_REPLACED') this.#giveUp(error);
      throw error;
    }
  }

  #join(): ThreadShare | undefined {
    const { threads, workerUrl, file, log, onBack } = this.#parts;
    if (workerUrl === undefined) {
      this.#giveUp(new Error('its module is not known in this bundle; set the option workerUrl'));
      return undefined;
    }
    const isBack = this.#state === 'away';
    if (isBack) this.#pauseMs = doubledMs(this.#pauseMs, LONGEST_PAUSE_MS);
    this.#state = 'usable';
    this.#since = this.#parts.monotonicMs();
    const share = (this.#share = threads.share(workerUrl, file));
    const { thread } = share;
    if (thread.gone !== undefined) {
      this.#lose(share, thread.gone);
      return undefined;
    }
    this.#unhear = thread.onGone((error) => this.#lose(share, error));
    if (isBack) {
      log.info({}, 'a helper thread again: checkpoints, stats and long lists run there');
      onBack();
    }
    return share;
  }

  /** The thread is gone: the store does without, until it joins another. */
  #lose(share: ThreadShare, error: Error): void {
    if (share.thread.unloadable || this.#state !== 'usable') return this.#giveUp(error);
    if (this.#lastedMs() > LONGEST_PAUSE_MS) this.#pauseMs = PAUSE_MS;
    this.#state = 'away';
    this.#since = this.#parts.monotonicMs();
    this.#share = undefined;
    this.#unhear?.();
    this.#leaving = share.release();
    this.#withdraw(error, { againInMs: this.#pauseMs });
  }

  #lastedMs(): number {
    return this.#parts.monotonicMs() - this.#since;
  }

  #orGivenUp<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#givenUp.add(reject);
      work.then(resolve, reject).finally(() => this.#givenUp.delete(reject));
    });
  }

  /** For good. */
  #giveUp(error: Error): void {
    if (this.#state === 'dead' || this.#state === 'closed') return;
    this.#state = 'dead';
    this.#withdraw(error, {});
  }

  #withdraw({ message }: Error, fields: object): void {
    const { log, onGone } = this.#parts;
    log.warn({ error: message, ...fields }, 'no helper thread: checkpoints, stats and long lists run inline');
    onGone();
    for (const reject of this.#givenUp) reject(new StoreError('STORE_UNAVAILABLE', message, true));
  }
}
