/**
 * Waits for steps to end.
 *
 * Invariants:
 * - All waits of a process share one query of the store. {@link PulseGate} decides whether a poll has to send it.
 * - A step counts as missing only if no query has shown it for `staleReadMs`. The time counts from the first query that did
 *   not show it, and not from before the wait: another process may have submitted the step just now.
 * - The cost of a poll depends on how many steps have ended since the last one, not on how many are awaited. If the store's
 *   reply may miss a step (one that plain SQL has ended or deleted), {@link AwaitedSweep} reads all awaited steps by id,
 *   a piece at each poll.
 * - No poll holds the event loop for more than a few ms, however many waits there are.
 * - A wait keeps the process alive. Without waits nothing runs.
 * - Nothing here runs in the async context of a caller, because waits share a loop, listeners and a watcher.
 */
import { asError, FleetQError, StepNotFoundError, StoppedError, WaitTimeoutError } from '../errors.js';
import type { Events } from '../events.js';
import { onAbort } from '../runtime/abort.js';
import { Loop } from '../runtime/loop.js';
import type { QueueContext } from '../runtime/async-context.js';
import type { Runtime, Timer } from '../runtime/runtime.js';
import { checkStepId } from '../input/field-checks.js';
import { isTerminal } from '../step/step.js';
import { isStoreError, type StepRecord, type Store } from '../store/contract.js';
import { settleWait } from './settle-wait.js';
import { PulseGate } from './pulse-gate.js';
import { AwaitedSweep } from './awaited-sweep.js';
import { checkWaitOptions, type WaitOptions } from './wait-options.js';
import type { TimeoutDetails } from './timeout-details.js';

export interface WaiterDependencies {
  readonly store: Pick<Store, 'find' | 'ended' | 'pulse' | 'watch' | 'staleReadMs' | 'sleep'>;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly context: QueueContext;
  readonly timeoutDetails: TimeoutDetails;
  readonly waitIntervalMs: number;
}

interface Waiting {
  /** Whether it has a time-out. */
  readonly timed: boolean;
  readonly since: number;
  /** When the first query was sent that did not show the step; `undefined` if the last query showed it, or there was none. */
  absentSince: number | undefined;
  settle(record: StepRecord): void;
  reject(error: unknown): void;
}

/** The most ids in one call of `find`. */
const FIND_BATCH = 1_000;
/** The most waits to reject in one turn of the event loop. */
const REJECT_BATCH = 200;

export class Waiter {
  readonly #deps: WaiterDependencies;
  readonly #loop: Loop;
  readonly #waiting = new Map<string, Set<Waiting>>();
  /** Ids that no query has covered or shown yet, or that have ended in this process: read at the next query. */
  readonly #urgent = new Set<string>();
  readonly #gate: PulseGate;
  readonly #round: AwaitedSweep;
  /** Where the last query for ended steps stopped. */
  #cursor: string | null = null;
  #unwatch: (() => void)[] = [];
  #stopped = false;

  constructor(deps: WaiterDependencies) {
    this.#deps = deps;
    const { staleReadMs, sleep } = deps.store;
    this.#gate = new PulseGate(staleReadMs, sleep?.lookIntervalMs);
    this.#round = new AwaitedSweep(this.#waiting, deps.waitIntervalMs);
    this.#loop = new Loop(deps.runtime, () => this.#poll(), { onError: (error) => this.#failed(error) });
  }

  /**
   * Waits for a step to complete, and returns its result.
   *
   * @throws StepFailedError, StepCancelledError, StepNotFoundError, WaitTimeoutError, StoppedError, ValidationError
   * @throws FleetQError `WAIT_ABORTED` if the signal aborts
   */
  async wait(stepId: string, options: WaitOptions = {}): Promise<unknown> {
    checkStepId(stepId);
    checkWaitOptions(options);
    return this.#deps.context.run(() => this.#wait(stepId, options));
  }

  #wait(stepId: string, { timeoutMs, signal }: WaitOptions): Promise<unknown> {
    if (this.#stopped) return Promise.reject(new StoppedError('waitFor'));
    if (signal?.aborted === true) return Promise.reject(aborted(stepId, signal));
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const end = (): void => {
        timer?.cancel();
        removeAbortListener?.();
        this.#remove(stepId, waiting);
      };
      const waiting: Waiting = {
        timed: timeoutMs !== undefined,
        since: this.#now(),
        absentSince: undefined,
        settle: (record) => {
          end();
          try {
            settleWait(record, resolve, reject);
          } catch (error) {
            reject(asError(error)); // a row that cannot be read affects only its own waits
          }
        },
        reject: (error) => {
          end();
          reject(asError(error));
        },
      };
      if (timeoutMs !== undefined) {
        timer = this.#deps.runtime.after(timeoutMs, () => void this.#timedOut(stepId, waiting, timeoutMs));
      }
      const removeAbortListener = signal && onAbort(signal, () => waiting.reject(aborted(stepId, signal)));
      this.#add(stepId, waiting);
    });
  }

  /** Ids that are awaited without a time-out, `limit` at most. */
  untimed(limit: number): string[] {
    const ids: string[] = [];
    for (const [stepId, waits] of this.#waiting) {
      if (ids.length >= limit) break;
      for (const { timed } of waits) {
        if (timed) continue;
        ids.push(stepId);
        break;
      }
    }
    return ids;
  }

  /** Rejects all waits with `STOPPED`. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#rejectAll(new StoppedError('waitFor'));
    await this.#loop.stop();
  }

  /** Reads the step for the error message. If it has ended by now, that settles the wait. */
  async #timedOut(stepId: string, waiting: Waiting, timeoutMs: number): Promise<void> {
    const found = await this.#deps.timeoutDetails.step(stepId);
    const status = found?.step.status;
    if (found !== undefined && isTerminal(found.step.status)) {
      waiting.settle(found.step);
      return;
    }
    const openStatus = status === 'pending' || status === 'claimed' ? status : undefined;
    waiting.reject(new WaitTimeoutError(stepId, timeoutMs, openStatus, found?.text));
  }

  #add(stepId: string, waiting: Waiting): void {
    const others = this.#waiting.get(stepId);
    if (others === undefined) this.#waiting.set(stepId, new Set([waiting]));
    else others.add(waiting);
    this.#urgent.add(stepId);
    if (this.#loop.running) return this.#loop.wake();
    const { events, store } = this.#deps;
    this.#unwatch = [store.watch(() => this.#loop.wake()), events.onEnded((ended) => this.#ended(ended))];
    void this.#loop.start();
  }

  #remove(stepId: string, waiting: Waiting): void {
    const others = this.#waiting.get(stepId);
    others?.delete(waiting);
    if (others?.size === 0) {
      this.#waiting.delete(stepId);
      this.#urgent.delete(stepId);
    }
    if (this.#waiting.size > 0 || !this.#loop.running) return;
    for (const unwatch of this.#unwatch) unwatch();
    this.#unwatch = [];
    this.#cursor = null;
    this.#gate.reset();
    void this.#loop.stop();
  }

  /** A step has ended in this process. */
  #ended(stepId: string): void {
    if (!this.#waiting.has(stepId)) return;
    this.#urgent.add(stepId);
    this.#loop.wake();
  }

  async #poll(): Promise<number> {
    const { store, runtime, waitIntervalMs } = this.#deps;
    const pulse = await store.pulse(); // read before the query: a step that ends after it changes the pulse again
    const sentAt = this.#now();
    const mustQuery = this.#gate.mustQuery(pulse, sentAt);
    const urgent = [...this.#urgent];
    this.#urgent.clear();
    const complete = mustQuery && (await this.#queryEnded(urgent, sentAt));
    const ids = complete ? [] : [...urgent, ...this.#round.next(this.#now())];
    for (let at = 0; at < ids.length; at += FIND_BATCH) {
      if (at > 0) await runtime.yield();
      await this.#find(ids.slice(at, at + FIND_BATCH));
    }
    if (mustQuery) this.#gate.answered(sentAt);
    return waitIntervalMs;
  }

  /** Settles the waits for steps that have ended since the last query. Returns whether every awaited step was examined. */
  async #queryEnded(urgent: readonly string[], sentAt: number): Promise<boolean> {
    const reply = await this.#deps.store.ended({ awaited: this.#waiting, since: this.#cursor });
    this.#cursor = reply.cursor;
    for (const record of reply.steps) this.#received(record.stepId, record, sentAt);
    const gone = new Set(reply.gone);
    for (const stepId of gone) this.#received(stepId, undefined, sentAt);
    if (reply.complete) for (const stepId of urgent) if (!gone.has(stepId)) this.#shown(stepId);
    if (reply.complete) this.#round.end();
    else this.#round.begin();
    return reply.complete;
  }

  async #find(ids: readonly string[]): Promise<void> {
    const sentAt = this.#now();
    const records = new Map((await this.#deps.store.find(ids)).map((record) => [record.stepId, record]));
    for (const id of ids) this.#received(id, records.get(id), sentAt);
  }

  /** @param record the awaited step as the store shows it; `undefined` if it shows no such step */
  #received(stepId: string, record: StepRecord | undefined, sentAt: number): void {
    if (record !== undefined && !isTerminal(record.status)) return this.#shown(stepId);
    for (const waiting of [...(this.#waiting.get(stepId) ?? [])]) {
      if (record === undefined) this.#notShown(stepId, waiting, sentAt);
      else waiting.settle(record);
    }
  }

  #shown(stepId: string): void {
    for (const waiting of this.#waiting.get(stepId) ?? []) waiting.absentSince = undefined;
  }

  #notShown(stepId: string, waiting: Waiting, sentAt: number): void {
    waiting.absentSince ??= Math.max(sentAt, waiting.since);
    if (sentAt - waiting.absentSince >= this.#deps.store.staleReadMs) waiting.reject(new StepNotFoundError(stepId));
    else this.#urgent.add(stepId);
  }

  #now(): number {
    return this.#deps.runtime.monotonicMs();
  }

  /** A poll has failed. Returns when to poll again. */
  #failed(error: unknown): number {
    for (const id of this.#waiting.keys()) this.#urgent.add(id); // the query was not answered
    if (isStoreError(error) && error.transient) return this.#deps.waitIntervalMs * 5;
    void this.#rejectAll(error);
    return Infinity;
  }

  async #rejectAll(error: unknown): Promise<void> {
    let rejected = 0;
    for (const all of [...this.#waiting.values()]) {
      for (const waiting of [...all]) {
        waiting.reject(error);
        if (++rejected % REJECT_BATCH === 0) await this.#deps.runtime.yield();
      }
    }
  }
}

function aborted(stepId: string, signal: AbortSignal): FleetQError {
  return new FleetQError('WAIT_ABORTED', `the wait for step ${stepId} was aborted`, { cause: signal.reason });
}
