/**
 * Waits for steps to end.
 *
 * Invariants:
 * - All waiters of a process ask the store with one question. {@link PollGate} decides whether it has to be asked.
 * - A step counts as missing only when no question has shown it for `staleReadMs`, counted from the first that did not
 *   show it, and from the beginning of the wait at the earliest: another process may have submitted it just now.
 * - A look costs what has ended since the last one, not what is awaited. Where the store's answer may miss a step (one that
 *   plain SQL ended, or deleted), a round of `find` goes over all awaited steps, some at each look.
 * - No look keeps the event loop for more than a few ms, however many wait.
 * - A waiter keeps the process alive; without waiters nothing runs.
 * - Nothing here runs in the async context of a caller: waits share a loop, listeners and a watcher.
 */
import { asError, FleetQError, StepNotFoundError, StoppedError, StoreError, WaitTimeoutError } from '../errors.js';
import type { Events } from '../events.js';
import { onAbort } from '../runtime/abort.js';
import { Loop } from '../runtime/loop.js';
import type { QueueContext } from '../runtime/async-context.js';
import type { Timer } from '../runtime/runtime.js';
import { checkStepId } from '../step/field-checks.js';
import { isTerminal } from '../step/step.js';
import type { StepRecord, Store } from '../store/contract.js';
import { settleWait } from './settle-wait.js';
import { PollGate } from './poll-gate.js';
import { PollingRound } from './polling-round.js';
import { checkWaitOptions, type WaitOptions } from './wait-options.js';
import { TimeoutDetails, type TimeoutDetailsParts } from './timeout-details.js';

export interface WaiterParts extends TimeoutDetailsParts {
  readonly store: Pick<Store, 'find' | 'ended' | 'pulse' | 'watch' | 'fleet' | 'staleReadMs'>;
  readonly events: Events;
  readonly context: QueueContext;
  readonly waitIntervalMs: number;
}

interface Waiting {
  /** It ends by itself. */
  readonly timed: boolean;
  readonly since: number;
  /** When the question was asked that did not show the step; `undefined`: the last one did, or there was none yet. */
  absentSince: number | undefined;
  settle(record: StepRecord): void;
  reject(error: unknown): void;
}

/** Ids in one question. */
const ASK_AT_MOST = 1_000;
/** Waits that are rejected in one turn of the event loop. */
const REJECTED_AT_ONCE = 200;

export class Waiter {
  readonly #parts: WaiterParts;
  readonly #loop: Loop;
  readonly #timeoutDetails: TimeoutDetails;
  readonly #waiting = new Map<string, Set<Waiting>>();
  /** Ids that were not asked for yet, that no read has shown, or that are known to have ended: asked whatever the pulse says. */
  readonly #urgent = new Set<string>();
  readonly #gate: PollGate;
  readonly #round: PollingRound;
  /** Where the last question about ends stopped. */
  #cursor: string | null = null;
  #unwatch: (() => void)[] = [];
  #stopped = false;

  constructor(parts: WaiterParts) {
    this.#parts = parts;
    this.#timeoutDetails = new TimeoutDetails(parts);
    this.#gate = new PollGate(parts.store.staleReadMs);
    this.#round = new PollingRound(this.#waiting, parts.waitIntervalMs);
    this.#loop = new Loop(parts.runtime, () => this.#look(), { onError: (error) => this.#failed(error) });
  }

  /**
   * The result of a step, once it has completed.
   *
   * @throws StepFailedError, StepCancelledError, StepNotFoundError, WaitTimeoutError, StoppedError, ValidationError
   * @throws FleetQError `WAIT_ABORTED` when the signal aborts
   */
  async wait(stepId: string, options: WaitOptions = {}): Promise<unknown> {
    checkStepId(stepId);
    checkWaitOptions(options);
    return this.#parts.context.run(() => this.#wait(stepId, options));
  }

  #wait(stepId: string, { timeoutMs, signal }: WaitOptions): Promise<unknown> {
    if (this.#stopped) return Promise.reject(new StoppedError('waitFor'));
    if (signal?.aborted === true) return Promise.reject(aborted(stepId, signal));
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined;
      const end = (): void => {
        timer?.cancel();
        unhear?.();
        this.#forget(stepId, waiting);
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
            reject(asError(error)); // what one row holds concerns its own waits alone
          }
        },
        reject: (error) => {
          end();
          reject(asError(error));
        },
      };
      if (timeoutMs !== undefined) {
        timer = this.#parts.runtime.after(timeoutMs, () => void this.#timedOut(stepId, waiting, timeoutMs));
      }
      const unhear = signal && onAbort(signal, () => waiting.reject(aborted(stepId, signal)));
      this.#remember(stepId, waiting);
    });
  }

  /** Ids that are awaited without a time-out, at most so many. */
  untimed(most: number): string[] {
    const ids: string[] = [];
    for (const [stepId, waits] of this.#waiting) {
      if (ids.length >= most) break;
      for (const { timed } of waits) {
        if (timed) continue;
        ids.push(stepId);
        break;
      }
    }
    return ids;
  }

  /** Ends all waits with `STOPPED`. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#rejectAll(new StoppedError('waitFor'));
    await this.#loop.stop();
  }

  /** A step that has ended by now settles its wait all the same. */
  async #timedOut(stepId: string, waiting: Waiting, timeoutMs: number): Promise<void> {
    const found = await this.#timeoutDetails.step(stepId);
    const status = found?.step.status;
    if (found !== undefined && isTerminal(found.step.status)) {
      waiting.settle(found.step);
      return;
    }
    const stands = status === 'pending' || status === 'claimed' ? status : undefined;
    waiting.reject(new WaitTimeoutError(stepId, timeoutMs, stands, found?.text));
  }

  #remember(stepId: string, waiting: Waiting): void {
    const others = this.#waiting.get(stepId);
    if (others === undefined) this.#waiting.set(stepId, new Set([waiting]));
    else others.add(waiting);
    this.#urgent.add(stepId);
    if (this.#loop.running) return this.#loop.wake();
    const { events, store } = this.#parts;
    this.#unwatch = [store.watch(() => this.#loop.wake()), events.onEnded((ended) => this.#ended(ended))];
    void this.#loop.start();
  }

  #forget(stepId: string, waiting: Waiting): void {
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
    this.#gate.forget();
    void this.#loop.stop();
  }

  /** A step has ended in this very process. */
  #ended(stepId: string): void {
    if (!this.#waiting.has(stepId)) return;
    this.#urgent.add(stepId);
    this.#loop.wake();
  }

  async #look(): Promise<number> {
    const { store, runtime, waitIntervalMs } = this.#parts;
    const pulse = await store.pulse(); // read before the question: what ends after it moves the pulse again
    const askedAt = this.#now();
    const hasToAsk = this.#gate.read(pulse, askedAt);
    const urgent = [...this.#urgent];
    this.#urgent.clear();
    const complete = hasToAsk && (await this.#askForEnds(urgent, askedAt));
    const ids = complete ? [] : [...urgent, ...this.#round.next(this.#now())];
    for (let at = 0; at < ids.length; at += ASK_AT_MOST) {
      if (at > 0) await runtime.yield();
      await this.#ask(ids.slice(at, at + ASK_AT_MOST));
    }
    if (hasToAsk) this.#gate.answered(askedAt);
    return waitIntervalMs;
  }

  /** Settles what has ended since the last look. Answers whether every awaited step was looked at. */
  async #askForEnds(urgent: readonly string[], askedAt: number): Promise<boolean> {
    const reply = await this.#parts.store.ended({ awaited: this.#waiting, since: this.#cursor });
    this.#cursor = reply.cursor;
    for (const record of reply.steps) this.#answered(record.stepId, record, askedAt);
    const gone = new Set(reply.gone);
    for (const stepId of gone) this.#answered(stepId, undefined, askedAt);
    if (reply.complete) for (const stepId of urgent) if (!gone.has(stepId)) this.#stands(stepId);
    if (reply.complete) this.#round.end();
    else this.#round.begin();
    return reply.complete;
  }

  async #ask(ids: readonly string[]): Promise<void> {
    const askedAt = this.#now();
    const records = new Map((await this.#parts.store.find(ids)).map((record) => [record.stepId, record]));
    for (const id of ids) this.#answered(id, records.get(id), askedAt);
  }

  /** What the store says of an awaited step; `undefined`: there is none of this id. */
  #answered(stepId: string, record: StepRecord | undefined, askedAt: number): void {
    if (record !== undefined && !isTerminal(record.status)) return this.#stands(stepId);
    for (const waiting of [...(this.#waiting.get(stepId) ?? [])]) {
      if (record === undefined) this.#absent(stepId, waiting, askedAt);
      else waiting.settle(record);
    }
  }

  #stands(stepId: string): void {
    for (const waiting of this.#waiting.get(stepId) ?? []) waiting.absentSince = undefined;
  }

  #absent(stepId: string, waiting: Waiting, askedAt: number): void {
    waiting.absentSince ??= Math.max(askedAt, waiting.since);
    if (askedAt - waiting.absentSince >= this.#parts.store.staleReadMs) waiting.reject(new StepNotFoundError(stepId));
    else this.#urgent.add(stepId);
  }

  #now(): number {
    return this.#parts.runtime.monotonicMs();
  }

  #failed(error: unknown): number {
    for (const id of this.#waiting.keys()) this.#urgent.add(id); // the question has not been answered
    if (error instanceof StoreError && error.transient) return this.#parts.waitIntervalMs * 5;
    void this.#rejectAll(error);
    return Infinity;
  }

  async #rejectAll(error: unknown): Promise<void> {
    let rejected = 0;
    for (const all of [...this.#waiting.values()]) {
      for (const waiting of [...all]) {
        waiting.reject(error);
        if (++rejected % REJECTED_AT_ONCE === 0) await this.#parts.runtime.yield();
      }
    }
  }
}

function aborted(stepId: string, signal: AbortSignal | undefined): FleetQError {
  return new FleetQError('WAIT_ABORTED', `the wait for step ${stepId} was aborted`, { cause: signal?.reason });
}
