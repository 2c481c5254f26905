/**
 * The helper thread as the main thread sees it: runs tasks there, and notices when the thread is gone.
 *
 * Invariants:
 * - The thread keeps the process alive only while a task that does so is in progress.
 * - The thread is gone, permanently, when it exits, when it cannot be started, or when it is silent for about 10 s while
 *   tasks wait. A silent thread is terminated. Every waiting task is rejected, and `onGone` is called.
 * - The thread answers pings between the pieces of its work, so long work is not taken for silence.
 * - Its timers are real time, whatever clock a store has.
 */
import { Worker } from 'node:worker_threads';
import { asError, StoreError } from '../../../errors.js';
import { systemRuntime, type Runtime, type Timer } from '../../../runtime/runtime.js';
import { withTimeout } from '../../../runtime/with-timeout.js';
import type { FromHelper, HelperRequest, ToHelper, Value } from './messages.js';

/** How often the thread is pinged while tasks wait, and how many pings in a row may be unanswered. */
const PING_EVERY_MS = 2_500;
const PINGS = 4;
/** How long to wait for the thread to exit, or to close a file. */
const END_WITHIN_MS = 3_000;

interface Waiting {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: Error) => void;
  /** Whether this task keeps the process alive. */
  readonly holdsProcess: boolean;
}

export class HelperThread {
  readonly #runtime: Runtime;
  readonly #worker: Worker | undefined;
  readonly #exited: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onGone = new Set<(error: Error) => void>();
  /** Calls of {@link answers} that wait for a message. */
  readonly #listening = new Set<(heard: boolean) => void>();
  #gone: Error | undefined;
  #hasSpoken = false;
  #unloadable = false;
  #lastId = 0;
  #unansweredPings = 0;
  #timer: Timer | undefined;

  constructor(workerUrl: URL, runtime: Runtime = systemRuntime) {
    this.#runtime = runtime;
    try {
      this.#worker = startWorker(workerUrl);
    } catch (error) {
      this.#gone = asError(error);
      this.#unloadable = true;
    }
    this.#exited = this.#listen(this.#worker);
  }

  /** Why the thread is gone; `undefined` while it runs. */
  get gone(): Error | undefined {
    return this.#gone;
  }

  /** Whether it exited before its first message. Then its module cannot be loaded, and a new thread would exit too. */
  get unloadable(): boolean {
    return this.#unloadable;
  }

  /** Calls `listener` once when the thread is gone. @returns removes the listener */
  onGone(listener: (error: Error) => void): () => void {
    this.#onGone.add(listener);
    return () => this.#onGone.delete(listener);
  }

  /** @param holdsProcess whether this keeps the process alive. @throws StoreError */
  run(request: HelperRequest, holdsProcess: boolean): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== undefined) return reject(unavailable(this.#gone));
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject, holdsProcess });
      if (holdsProcess) this.#worker?.ref();
      this.#send({ ...request, id });
      this.#guard();
    });
  }

  /** Whether the thread sends any message within `limitMs`. */
  answers(limitMs: number): Promise<boolean> {
    if (this.#gone !== undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (heard: boolean): void => {
        timer.cancel();
        this.#listening.delete(end);
        resolve(heard);
      };
      // One more turn: a message may have arrived while this event loop was blocked.
      const over = (): void => void this.#runtime.yield().then(() => end(false));
      const timer = this.#runtime.after(limitMs, over, { ref: false });
      this.#listening.add(end);
      this.#send({ kind: 'ping' });
    });
  }

  /** Closes a file. Resolves after 3 s at most; the thread finishes work that takes longer. Never rejects. */
  async close(key: string): Promise<void> {
    const closed = (): Promise<Value> => this.run({ kind: 'close', key }, true);
    await withTimeout(this.#runtime, closed, { timeoutMs: END_WITHIN_MS }).catch(() => undefined);
  }

  /** Ends the thread. If it does not exit within 3 s, it is terminated. */
  async end(): Promise<void> {
    this.#gone ??= new Error('the helper thread was ended by its last store');
    this.#worker?.ref();
    this.#send({ kind: 'end' });
    const ended = (): Promise<void> => this.#exited;
    await withTimeout(this.#runtime, ended, { timeoutMs: END_WITHIN_MS }).catch(() => void this.#worker?.terminate());
    this.#worker?.unref();
  }

  #listen(worker: Worker | undefined): Promise<void> {
    if (worker === undefined) return Promise.resolve();
    worker.unref();
    worker.on('message', (message: FromHelper) => this.#heard(message));
    worker.on('error', (error) => this.#ended(asError(error)));
    return new Promise((resolve) => {
      worker.once('exit', (code) => {
        resolve();
        this.#ended(new Error(`the helper thread exited with code ${code}`));
      });
    });
  }

  #heard(message: FromHelper): void {
    this.#unansweredPings = 0;
    this.#hasSpoken = true;
    for (const end of [...this.#listening]) end(true);
    if (message.kind === 'pong') return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    this.#relax();
    if (message.kind === 'value') return waiting?.resolve(message.value);
    const { code, message: text, transient } = message.failure;
    waiting?.reject(new StoreError(code, text, transient));
  }

  /** A task has ended: lets the process exit if no other keeps it alive. */
  #relax(): void {
    if (![...this.#waiting.values()].some(({ holdsProcess }) => holdsProcess)) this.#worker?.unref();
    if (this.#waiting.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Pings the thread as long as tasks wait. */
  #guard(): void {
    this.#timer ??= this.#runtime.after(PING_EVERY_MS, () => void this.#runtime.yield().then(() => this.#check()), {
      ref: false,
    });
  }

  #check(): void {
    this.#timer = undefined;
    if (this.#waiting.size === 0 || this.#gone !== undefined) return;
    if (this.#unansweredPings >= PINGS) {
      this.#lose(new Error(`the helper thread was silent for ${(PINGS * PING_EVERY_MS) / 1_000} s`));
      void this.#worker?.terminate();
      return;
    }
    this.#unansweredPings++;
    this.#send({ kind: 'ping' });
    this.#guard();
  }

  #ended(error: Error): void {
    if (this.#gone === undefined) this.#unloadable = !this.#hasSpoken;
    this.#lose(error);
  }

  #lose(error: Error): void {
    this.#gone ??= error;
    for (const listener of [...this.#onGone]) listener(error);
    this.#onGone.clear();
    for (const { reject } of this.#waiting.values()) reject(unavailable(error));
    this.#waiting.clear();
    for (const end of [...this.#listening]) end(false);
    this.#relax();
  }

  #send(message: ToHelper): void {
    this.#worker?.postMessage(message);
  }
}

function startWorker(workerUrl: URL): Worker {
  // The worker inherits execArgv, and `--input-type` (from `node --input-type=module -e`) does not allow a file.
  const own = process.execArgv.some((flag) => flag.startsWith('--input-type')) ? { execArgv: [] } : {};
  return new Worker(workerUrl, { name: 'fleet-q sqlite helper', ...own });
}

function unavailable(error: Error): StoreError {
  return new StoreError('STORE_UNAVAILABLE', error.message, true);
}
