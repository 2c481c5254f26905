/**
 * The helper of one store: what would hold up the host's event loop is done by the thread that all stores of the process
 * share.
 *
 * Invariants: the store takes its share in the thread on first need. Checkpoints run one at a time, after about so many
 * written rows. If the thread cannot start, ends, hangs, or finds another file at the path, `usable` becomes false for
 * good, one line in the log says why, and the same work is done inline.
 */
import { asError, StoreError } from '../../errors.js';
import type { Log } from '../../log.js';
import type { ListFilter, ListPage, PruneReply } from '../contract.js';
import type { Errand, ErrandName, Errands, HelperFile } from './helper-protocol.js';
import type { HelperShare, HelperThreads } from './helper-threads.js';
import type { PackedStats } from './packed-stats.js';

/** Written rows after which a checkpoint is worth its while. */
const CHECKPOINT_ROWS = 1_000;
/** How long a thread may be silent while the store is being closed. */
const HURRY_MS = 3_000;

export interface HelperParts {
  readonly threads: HelperThreads;
  /** `undefined`: it is not known where the thread's module is. */
  readonly workerUrl: URL | undefined;
  readonly file: HelperFile;
  readonly busyTimeoutMs: number;
  readonly log: Log;
  /** Called once, when it turns out not to be usable. */
  readonly onDeath: () => void;
}

export class Helper {
  readonly #parts: HelperParts;
  /** Rejects those who still wait for a thread that has been given up. */
  readonly #givenUp = new Set<(error: Error) => void>();
  #share: HelperShare | undefined;
  #unhear: (() => void) | undefined;
  #state: 'usable' | 'dead' | 'closed' = 'usable';
  #rows = 0;
  #checkpointing = false;

  constructor(parts: HelperParts) {
    this.#parts = parts;
  }

  get usable(): boolean {
    return this.#state === 'usable';
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
    await this.#share?.release();
  }

  async #ask<N extends ErrandName>(name: N, ask: Errands[N]['ask'], held = true): Promise<Errands[N]['answer']> {
    const share = this.usable ? (this.#share ??= this.#join()) : undefined;
    if (share === undefined || !this.usable)
      throw new StoreError('STORE_UNAVAILABLE', 'there is no helper thread', true);
    const { file, busyTimeoutMs } = this.#parts;
    const errand = { kind: 'errand', file, busyTimeoutMs, name, ask } as Errand;
    try {
      return await this.#orGivenUp(share.thread.ask(errand, held));
    } catch (error) {
      if (error instanceof StoreError && error.code === 'STORE_FILE_REPLACED') this.#giveUp(error);
      throw error;
    }
  }

  #join(): HelperShare | undefined {
    const { threads, workerUrl, file } = this.#parts;
    if (workerUrl === undefined) {
      this.#giveUp(new Error('its module is not known in this bundle; set the option workerUrl'));
      return undefined;
    }
    const share = threads.share(workerUrl, file);
    if (share.thread.gone === undefined) this.#unhear = share.thread.onGone((error) => this.#giveUp(error));
    else this.#giveUp(share.thread.gone);
    return share;
  }

  #orGivenUp<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#givenUp.add(reject);
      work.then(resolve, reject).finally(() => this.#givenUp.delete(reject));
    });
  }

  #giveUp(error: Error): void {
    if (this.#state !== 'usable') return;
    this.#state = 'dead';
    this.#parts.log.warn({ error: error.message }, 'no helper thread: checkpoints, stats and long lists run inline');
    this.#parts.onDeath();
    for (const reject of this.#givenUp) reject(new StoreError('STORE_UNAVAILABLE', error.message, true));
  }
}
