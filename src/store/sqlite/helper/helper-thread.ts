/**
 * The helper thread, as this process sees it: one for all stores.
 *
 * Invariants:
 * - It keeps the process alive only while somebody waits for it.
 * - It is gone for good when it ends, when it cannot be started, or when it says nothing for about ten seconds while
 *   somebody waits: then it is terminated. Everybody who waits is rejected, and `onGone` is called.
 * - A thread that works sends signs of life between the pieces of its work, so that long work is not taken for silence.
 * - Its timers are those of the system: the thread runs in real time, whatever the clock of a store.
 */
import { Worker } from 'node:worker_threads';
import { asError, StoreError } from '../../../errors.js';
import { systemRuntime, type Runtime, type Timer } from '../../../runtime/runtime.js';
import { withTimeout } from '../../../runtime/with-timeout.js';
import type { FromHelper, HelperRequest, ToHelper, Value } from './messages.js';

/** It is asked for a sign of life so often, and given up after so many in a row that it owes. */
const PING_EVERY_MS = 2_500;
const PINGS = 4;
/** How long the end of the thread, or of a file's connection, is waited for. */
const END_WITHIN_MS = 3_000;

interface Waiting {
  readonly resolve: (value: Value) => void;
  readonly reject: (error: Error) => void;
  /** Whether it keeps the process alive. */
  readonly held: boolean;
}

export class HelperThread {
  readonly #runtime: Runtime;
  readonly #worker: Worker | undefined;
  readonly #exited: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onGone = new Set<(error: Error) => void>();
  /** Who waits for a sign of life. */
  readonly #listening = new Set<(heard: boolean) => void>();
  #gone: Error | undefined;
  #spoke = false;
  #unloadable = false;
  #asked = 0;
  #owed = 0;
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

  /** Why it is of no use any more. */
  get gone(): Error | undefined {
    return this.#gone;
  }

  /** Whether it ended before it said anything: then its module cannot be loaded, and another thread would end as well. */
  get unloadable(): boolean {
    return this.#unloadable;
  }

  /** Calls `listener` once when the thread is gone. Returns what ends that. */
  onGone(listener: (error: Error) => void): () => void {
    this.#onGone.add(listener);
    return () => this.#onGone.delete(listener);
  }

  /** @param held whether this keeps the process alive. @throws StoreError */
  ask(request: HelperRequest, held: boolean): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.#gone !== undefined) return reject(unavailable(this.#gone));
      const id = ++this.#asked;
      this.#waiting.set(id, { resolve, reject, held });
      if (held) this.#worker?.ref();
      this.#send({ ...request, id });
      this.#guard();
    });
  }

  /** Whether it says anything within so many ms. */
  answers(limitMs: number): Promise<boolean> {
    if (this.#gone !== undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (heard: boolean): void => {
        timer.cancel();
        this.#listening.delete(end);
        resolve(heard);
      };
      // A turn more: an answer may be there that this event loop had no time for.
      const over = (): void => void this.#runtime.yield().then(() => end(false));
      const timer = this.#runtime.after(limitMs, over, { ref: false });
      this.#listening.add(end);
      this.#send({ kind: 'ping' });
    });
  }

  /** Closes a file. Resolves after some seconds at most; the thread goes on with what takes longer. Never rejects. */
  async close(key: string): Promise<void> {
    const closed = (): Promise<Value> => this.ask({ kind: 'close', key }, true);
    await withTimeout(this.#runtime, closed, { timeoutMs: END_WITHIN_MS }).catch(() => undefined);
  }

  /** Ends the thread; one that does not end is terminated. Resolves after some seconds at most. */
  async end(): Promise<void> {
    this.#gone ??= new Error('the helper thread has been ended');
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
        this.#ended(new Error(`the helper thread ended with code ${code}`));
      });
    });
  }

  #heard(message: FromHelper): void {
    this.#owed = 0;
    this.#spoke = true;
    for (const end of [...this.#listening]) end(true);
    if (message.kind === 'pong') return;
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    this.#relax();
    if (message.kind === 'value') return waiting?.resolve(message.value);
    const { code, message: text, transient } = message.failure;
    waiting?.reject(new StoreError(code, text, transient));
  }

  /** After somebody has stopped waiting. */
  #relax(): void {
    if (![...this.#waiting.values()].some(({ held }) => held)) this.#worker?.unref();
    if (this.#waiting.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Asks for signs of life as long as somebody waits. */
  #guard(): void {
    this.#timer ??= this.#runtime.after(PING_EVERY_MS, () => void this.#runtime.yield().then(() => this.#check()), {
      ref: false,
    });
  }

  #check(): void {
    this.#timer = undefined;
    if (this.#waiting.size === 0 || this.#gone !== undefined) return;
    if (this.#owed >= PINGS) {
      this.#lose(new Error(`the helper thread has said nothing for ${(PINGS * PING_EVERY_MS) / 1_000} s`));
      void this.#worker?.terminate();
      return;
    }
    this.#owed++;
    this.#send({ kind: 'ping' });
    this.#guard();
  }

  #ended(error: Error): void {
    if (this.#gone === undefined) this.#unloadable = !this.#spoke;
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
  // What says how a text on the command line is to be read (`node --input-type=module -e`) would be said of the module.
  const own = process.execArgv.some((flag) => flag.startsWith('--input-type')) ? { execArgv: [] } : {};
  return new Worker(workerUrl, { name: 'fleet-q sqlite helper', ...own });
}

function unavailable(error: Error): StoreError {
  return new StoreError('STORE_UNAVAILABLE', error.message, true);
}
