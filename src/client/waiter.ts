/**
 * Waits for steps to end.
 *
 * Invariants:
 * - All waiters of a process ask the store with one question, and only when its pulse has moved.
 * - A look costs what has ended since the last one, not what is awaited. Where the store's answer may miss a step (one that
 *   plain SQL ended, or deleted), a round of `find` goes over all awaited steps, some at each look.
 * - No look keeps the event loop for more than a few ms, however many wait.
 * - A waiter keeps the process alive; without waiters nothing runs.
 * - Nothing here runs in the async context of a caller: waits share a loop, listeners and a watcher.
 */
import {
  asError,
  FleetQError,
  StepCancelledError,
  StepFailedError,
  StepNotFoundError,
  StoppedError,
  StoreError,
  WaitTimeoutError,
} from '../errors.js';
import type { Events } from '../events.js';
import { onAbort } from '../runtime/abort.js';
import { Loop } from '../runtime/loop.js';
import type { OwnContext } from '../runtime/own-context.js';
import { MAX_DELAY_MS, type Timer } from '../runtime/runtime.js';
import { checkFields, checkStepId, oneOf, type FieldChecks } from '../step/fields.js';
import { deserializeError } from '../step/failure.js';
import { isTerminal } from '../step/step.js';
import { readError, readResult } from '../step/stored.js';
import type { StepRecord, Store } from '../store/contract.js';
import { WhereaboutsOf, type WhereaboutsParts } from './whereabouts.js';

export interface WaitOptions {
  /** Gives up after so many ms, 24 days at most; the step goes on. Default: never. */
  readonly timeoutMs?: number;
  /** Ends the wait; the step goes on. */
  readonly signal?: AbortSignal;
}

export interface WaiterParts extends WhereaboutsParts {
  readonly store: Pick<Store, 'find' | 'ended' | 'pulse' | 'watch' | 'fleet'>;
  readonly events: Events;
  readonly context: OwnContext;
  readonly waitIntervalMs: number;
}

interface Waiting {
  /** It ends by itself. */
  readonly timed: boolean;
  settle(record: StepRecord): void;
  reject(error: unknown): void;
}

/** Ids in one question. */
const ASK_AT_MOST = 1_000;
/** Awaited steps that are checked within `waitIntervalMs` in the course of a round. */
const CHECKED_IN_ROUND = 100;
/** Waits that are rejected in one turn of the event loop. */
const REJECTED_AT_ONCE = 200;
const OPTIONS: FieldChecks = {
  timeoutMs: oneOf(
    `milliseconds from 1 to ${MAX_DELAY_MS}`,
    (value) => typeof value === 'number' && value >= 1 && value <= MAX_DELAY_MS,
  ),
  signal: oneOf('an AbortSignal', isAbortSignal),
};
/** By what it can do: a signal of another realm, such as that of jsdom, is of another class. */
function isAbortSignal(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>;
  return [typeof aborted, typeof addEventListener, typeof removeEventListener].join() === 'boolean,function,function';
}

export class Waiter {
  readonly #parts: WaiterParts;
  readonly #loop: Loop;
  readonly #whereabouts: WhereaboutsOf;
  readonly #waiting = new Map<string, Set<Waiting>>();
  /** Ids that were not asked for yet, or that are known to have ended: asked whatever the pulse says. */
  readonly #urgent = new Set<string>();
  #lastPulse: string | undefined;
  /** Where the last question about ends stopped. */
  #cursor: string | null = null;
  /** Goes round the awaited steps, and how many are left of the present round. */
  #round: Iterator<string> | undefined;
  #roundLeft = 0;
  #roundDueAt = 0;
  #unwatch: (() => void)[] = [];
  #stopped = false;

  constructor(parts: WaiterParts) {
    this.#parts = parts;
    this.#whereabouts = new WhereaboutsOf(parts);
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
    checkFields(options, OPTIONS, 'OPTION_INVALID', 'options');
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
        settle: (record) => {
          end();
          try {
            settle(record, resolve, reject);
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
    const found = await this.#whereabouts.step(stepId);
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
    this.#lastPulse = undefined;
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
    const urgent = [...this.#urgent];
    this.#urgent.clear();
    const complete = pulse !== this.#lastPulse && (await this.#askForEnds());
    const ids = complete ? [] : [...urgent, ...this.#nextOfRound()];
    for (let at = 0; at < ids.length; at += ASK_AT_MOST) {
      if (at > 0) await runtime.yield();
      await this.#ask(ids.slice(at, at + ASK_AT_MOST));
    }
    this.#lastPulse = pulse;
    return waitIntervalMs;
  }

  /** Settles what has ended since the last look. Answers whether every awaited step was looked at. */
  async #askForEnds(): Promise<boolean> {
    const reply = await this.#parts.store.ended({ awaited: this.#waiting, since: this.#cursor });
    this.#cursor = reply.cursor;
    for (const record of reply.steps) this.#answered(record.stepId, record);
    for (const stepId of reply.gone) this.#answered(stepId, undefined);
    this.#roundLeft = reply.complete ? 0 : this.#waiting.size;
    return reply.complete;
  }

  #nextOfRound(): string[] {
    const ids: string[] = [];
    const now = this.#parts.runtime.monotonicMs();
    if (this.#roundLeft === 0 || now < this.#roundDueAt) return ids;
    this.#roundDueAt = now + this.#parts.waitIntervalMs;
    const count = Math.min(this.#roundLeft, CHECKED_IN_ROUND);
    this.#roundLeft -= count;
    while (ids.length < count) {
      const next = (this.#round ??= this.#waiting.keys()).next();
      if (next.done !== true) ids.push(next.value);
      else this.#round = undefined;
      if (this.#waiting.size === 0) break;
    }
    return ids;
  }

  async #ask(ids: readonly string[]): Promise<void> {
    const records = new Map((await this.#parts.store.find(ids)).map((record) => [record.stepId, record]));
    for (const id of ids) this.#answered(id, records.get(id));
  }

  /** What the store says of an awaited step; `undefined`: there is none of this id. */
  #answered(stepId: string, record: StepRecord | undefined): void {
    for (const waiting of [...(this.#waiting.get(stepId) ?? [])]) {
      if (record === undefined) waiting.reject(new StepNotFoundError(stepId));
      else if (isTerminal(record.status)) waiting.settle(record);
    }
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

function settle(record: StepRecord, resolve: (result: unknown) => void, reject: (error: Error) => void): void {
  const { stepId } = record;
  if (record.status === 'completed') {
    const { value, problem } = readResult(record.result);
    if (problem === undefined) return resolve(value);
    return reject(new FleetQError('RESULT_UNREADABLE', `step ${stepId} has completed, but ${problem.message}`));
  }
  if (record.status === 'cancelled') return reject(new StepCancelledError(stepId));
  const error = readError(record.error);
  reject(
    new StepFailedError(stepId, error?.message ?? 'unknown', error === undefined ? undefined : deserializeError(error)),
  );
}

function aborted(stepId: string, signal: AbortSignal | undefined): FleetQError {
  return new FleetQError('WAIT_ABORTED', `the wait for step ${stepId} was aborted`, { cause: signal?.reason });
}
