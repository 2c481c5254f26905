/**
 * The helper: a thread with a connection of its own, for what would hold up the host's event loop.
 *
 * Law: it starts on first need, and keeps the process alive only while somebody waits for it. Checkpoints run one at a
 * time, after about so many written rows. Where it cannot start, or dies, it is not started again: `usable` says so, and
 * the same work is done inline.
 */
import { Worker } from 'node:worker_threads';
import { asError, StoreError } from '../../errors.js';
import type { Log } from '../../log.js';
import type { ListFilter, ListPage, PruneReply, StoreStats } from '../contract.js';
import type { Answer, ErrandName, Errands, HelperData } from './helper-protocol.js';
import type { ResolvedOptions } from './options.js';

/** Written rows after which a checkpoint is worth its while. */
const CHECKPOINT_ROWS = 1_000;

export interface HelperParts {
  readonly options: ResolvedOptions;
  readonly log: Log;
  /** Called once, when it turns out not to be usable. */
  readonly onDeath: () => void;
}

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  /** Whether it keeps the process alive. */
  readonly held: boolean;
}

export class Helper {
  readonly #parts: HelperParts;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #exited: Promise<void> = Promise.resolve();
  #state: 'usable' | 'dead' | 'closed' = 'usable';
  #asked = 0;
  #rows = 0;
  #checkpointing = false;

  constructor(parts: HelperParts) {
    this.#parts = parts;
  }

  get usable(): boolean {
    return this.#state === 'usable';
  }

  stats(now: number): Promise<StoreStats> {
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

  /** Resolves when the thread is gone. */
  async close(): Promise<void> {
    if (this.usable && this.#worker !== undefined) {
      const closed = this.#ask('close', {}).catch(() => undefined);
      this.#state = 'closed';
      await closed;
    }
    this.#state = 'closed';
    this.#worker?.ref();
    await this.#exited;
  }

  #ask<N extends ErrandName>(name: N, ask: Errands[N]['ask'], held = true): Promise<Errands[N]['answer']> {
    return new Promise((resolve, reject) => {
      const worker = this.usable ? (this.#worker ??= this.#start()) : undefined;
      if (worker === undefined) return reject(new StoreError('STORE_UNAVAILABLE', 'there is no helper thread', true));
      const id = ++this.#asked;
      this.#waiting.set(id, { resolve, reject, held });
      if (held) worker.ref();
      worker.postMessage({ id, name, ask });
    });
  }

  #start(): Worker | undefined {
    const { path, synchronous, busyTimeoutMs, workerUrl } = this.#parts.options;
    const workerData: HelperData = { path, synchronous, busyTimeoutMs };
    // What says how a text on the command line is to be read (`node --input-type=module -e`) would be said of the module.
    const own = process.execArgv.some((flag) => flag.startsWith('--input-type')) ? { execArgv: [] } : {};
    try {
      if (workerUrl === undefined) throw new Error('its module is not known in this bundle; set the option workerUrl');
      const worker = new Worker(workerUrl, { workerData, name: 'fleet-q sqlite helper', ...own });
      worker.unref();
      worker.on('message', (answer: Answer) => this.#answered(answer));
      worker.on('error', (error) => this.#died(error));
      this.#exited = new Promise((resolve) => {
        worker.once('exit', (code) => {
          resolve();
          this.#died(new Error(`the helper thread ended with code ${code}`));
        });
      });
      return worker;
    } catch (error) {
      this.#died(asError(error));
      return undefined;
    }
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (![...this.#waiting.values()].some(({ held }) => held)) this.#worker?.unref();
    if (waiting === undefined) return;
    if ('value' in answer) return waiting.resolve(answer.value as never);
    const { code, message, transient } = answer.failure;
    waiting.reject(new StoreError(code, message, transient));
  }

  #died(error: Error): void {
    if (this.#state === 'usable') {
      this.#state = 'dead';
      this.#parts.log.warn({ error: error.message }, 'no helper thread: checkpoints, stats and long lists run inline');
      this.#parts.onDeath();
    }
    for (const { reject } of this.#waiting.values()) reject(new StoreError('STORE_UNAVAILABLE', error.message, true));
    this.#waiting.clear();
  }
}
