/**
 * Runs claims in slots: claim → outcome.
 *
 * Invariants:
 * - A slot is free again only when its handler has returned. A handler that is aborted gets a grace; after that its
 *   claim is settled without it, and the stray keeps its slot and bars its step until it returns.
 * - Each handler runs in an async context of its own, a copy of the pool's: what it sets there reaches no other handler.
 * - A handler that returns at once costs no promise, and one that returns a promise costs no closure: slots are reused.
 */
import { types } from 'node:util';
import type { Events } from '../../events.js';
import type { Log } from '../../log.js';
import { isolated } from '../../runtime/own-context.js';
import type { Runtime } from '../../runtime/runtime.js';
import { checkArgs, type Checked } from '../../step/definition.js';
import type { Outcome } from '../../step/transition.js';
import { Context } from './context.js';
import { Deadlines } from './deadlines.js';
import { eventOf, type AbortCause, type Hold } from '../claims/held-claim.js';
import { abortedOutcome, ArgsMismatch, returnedOutcome, thrownOutcome } from './outcome.js';
import { Rate } from '../planning/completion-rate.js';

export interface ExecutorParts {
  readonly runtime: Runtime;
  readonly events: Events;
  readonly log: Log;
  readonly settings: { readonly slots: number; readonly abortGraceMs: number; readonly maxPayloadBytes: number };
  /** The claim has its outcome. */
  readonly onEnd: (hold: Hold) => void;
  /** A handler has returned: its slot, and its step, are free again. */
  readonly onReturn: (hold: Hold) => void;
}

export class Executor {
  readonly rate = new Rate();
  /** The queue is being stopped: a handler that fails for that reason is not charged. */
  stopping = false;
  /** Handlers that have returned so far. */
  returns = 0;
  readonly #parts: ExecutorParts;
  /** What has not returned yet, strays included, by `stepId`; what returns at once is never in it. */
  readonly #running = new Map<string, Hold>();
  readonly #spare: Slot[] = [];
  readonly #deadlines: Deadlines;
  /** What is being called right now. */
  #calling: Hold | undefined;
  #busy = 0;
  #strays = 0;
  #busySince = 0;

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
    this.#deadlines = new Deadlines(parts.runtime, (now) => this.#expire(now));
  }

  /** Slots with a handler in them, strays included. */
  get busy(): number {
    return this.#busy;
  }

  get strays(): number {
    return this.#strays;
  }

  get free(): number {
    return this.#parts.settings.slots - this.#busy;
  }

  /** Completions per ms. */
  perMs(now: number, memoryMs: number): number {
    if (this.#busy > 0) {
      this.rate.busy(now - this.#busySince);
      this.#busySince = now;
    }
    return this.rate.perMs(this.#parts.settings.slots, memoryMs);
  }

  /** Whoever runs this step here: its claims cannot start until that has returned. */
  find(stepId: string): Hold | undefined {
    if (this.#calling?.claim.stepId === stepId) return this.#calling;
    return this.#running.size === 0 ? undefined : this.#running.get(stepId);
  }

  /** Claims whose handler runs, without strays. */
  held(): Hold[] {
    const holds = [...this.#running.values()].filter(({ state }) => state === 'running');
    return this.#calling === undefined ? holds : [...holds, this.#calling];
  }

  /** Runs a claim's handler. @returns the time after it returned, or went on in the background */
  run(hold: Hold, now: number): number {
    const { handler } = hold;
    hold.state = 'running';
    hold.startedAt = now;
    if (this.#busy++ === 0) this.#busySince = now;
    this.#calling = hold;
    let returned: unknown;
    try {
      const payload = this.#read(hold);
      const context = new Context(hold, payload.metadata, this.#parts.log);
      if (this.#parts.events.has('step:started')) this.#parts.events.tell('step:started', () => eventOf(hold));
      const { schema, run } = handler.definition;
      if (handler.limit === undefined && schema === undefined) returned = isolated(run, payload.args, context);
      else returned = this.#callGuarded(hold, payload.args, context);
      this.#calling = undefined;
      if (isThenable(returned)) {
        this.#follow(hold, returned);
        return this.#parts.runtime.monotonicMs(); // it may have worked for long before its first await
      }
    } catch (thrown) {
      this.#calling = undefined;
      return this.#returned(hold, thrownOutcome(hold, thrown, this.stopping));
    }
    return this.#returned(hold, returnedOutcome(hold, returned, this.#parts.settings.maxPayloadBytes));
  }

  abort(hold: Hold, cause: AbortCause): void {
    if (hold.aborted !== undefined || hold.state !== 'running') return;
    hold.dueAt = this.#parts.runtime.monotonicMs() + this.#parts.settings.abortGraceMs;
    if (hold !== this.#calling) this.#deadlines.expect(hold.dueAt);
    hold.abort(cause);
  }

  abortAll(cause: AbortCause): void {
    for (const hold of this.held()) this.abort(hold, cause);
  }

  /** Lets the timer go. */
  stop(): void {
    this.#deadlines.stop();
  }

  #read(hold: Hold): { readonly args: unknown; readonly metadata: Context['metadata'] } {
    try {
      return hold.readPayload();
    } catch {
      throw new ArgsMismatch(hold.claim.type, 'the payload is not JSON');
    }
  }

  /** For a type with a `concurrency` or a schema. */
  #callGuarded(hold: Hold, args: unknown, context: Context): unknown {
    const call = (): unknown => isolated(() => this.#call(hold, args, context));
    const { limit } = hold.handler;
    return limit === undefined ? call() : limit(call);
  }

  /** Checks the args, then runs the handler; unless the claim was aborted before it could begin. */
  #call(hold: Hold, args: unknown, context: Context): unknown {
    const { schema } = hold.handler.definition;
    if (schema === undefined) return this.#callChecked(hold, { ok: true, value: args }, context);
    const checked = checkArgs(schema, args);
    if (!types.isPromise(checked)) return this.#callChecked(hold, checked, context);
    return checked.then((late) => this.#callChecked(hold, late, context));
  }

  #callChecked(hold: Hold, checked: Checked, context: Context): unknown {
    if (hold.aborted !== undefined) throw hold.signal.reason;
    if (!checked.ok) throw new ArgsMismatch(hold.claim.type, checked.problem);
    return hold.handler.definition.run(checked.value, context);
  }

  #follow(hold: Hold, promise: PromiseLike<unknown>): void {
    const slot = this.#spare.pop() ?? new Slot(this);
    slot.hold = hold;
    this.#running.set(hold.claim.stepId, hold);
    if (hold.aborted === undefined) hold.dueAt = hold.startedAt + hold.handler.timeoutMs;
    if (hold.dueAt !== Infinity) this.#deadlines.expect(hold.dueAt);
    void Promise.resolve(promise).then(slot.fulfilled, slot.rejected);
  }

  /** @internal The promise of a slot has settled. */
  settled(slot: Slot, hold: Hold, ok: boolean, value: unknown): void {
    slot.hold = undefined;
    this.#spare.push(slot);
    this.#running.delete(hold.claim.stepId);
    this.#returned(
      hold,
      ok
        ? returnedOutcome(hold, value, this.#parts.settings.maxPayloadBytes)
        : thrownOutcome(hold, value, this.stopping),
    );
  }

  #returned(hold: Hold, outcome: Outcome): number {
    const now = this.#parts.runtime.monotonicMs();
    this.returns++;
    if (--this.#busy === 0) this.rate.busy(now - this.#busySince);
    if (hold.state === 'stray') this.#strayReturned(hold);
    else {
      hold.durationMs = now - hold.startedAt;
      this.rate.ended(hold.durationMs);
      if (hold.handler.limit !== undefined) hold.handler.took(hold.durationMs);
      this.#end(hold, outcome);
    }
    this.#parts.onReturn(hold);
    return now;
  }

  #end(hold: Hold, outcome: Outcome): void {
    hold.state = 'ended';
    hold.outcome = outcome;
    this.#parts.onEnd(hold);
  }

  /** Time is up for some: a handler is aborted, or its grace is over. Answers when the next is due. */
  #expire(now: number): number {
    let next = Infinity;
    for (const hold of this.#running.values()) {
      if (hold.state !== 'running') continue;
      if (hold.dueAt <= now) {
        if (hold.aborted === undefined) this.abort(hold, 'timedOut');
        else this.#goesAstray(hold, hold.aborted, now);
      }
      if (hold.state === 'running') next = Math.min(next, hold.dueAt);
    }
    return next;
  }

  #goesAstray(hold: Hold, cause: AbortCause, now: number): void {
    const { stepId, type } = hold.claim;
    this.#parts.log.warn({ stepId, type, cause }, 'an aborted handler goes on: a stray, which keeps its slot');
    hold.durationMs = now - hold.startedAt;
    this.#strays++;
    hold.handler.strays++;
    this.#end(hold, abortedOutcome(hold, cause));
    hold.state = 'stray';
  }

  #strayReturned(hold: Hold): void {
    const { stepId, type } = hold.claim;
    this.#parts.log.info({ stepId, type }, 'a stray has returned');
    this.#strays--;
    hold.handler.strays--;
    hold.state = 'ended';
  }
}

/** A place for a handler that returned a promise. Its callbacks are made once. */
class Slot {
  hold: Hold | undefined;
  readonly fulfilled: (value: unknown) => void;
  readonly rejected: (thrown: unknown) => void;

  constructor(executor: Executor) {
    this.fulfilled = (value) => {
      if (this.hold !== undefined) executor.settled(this, this.hold, true, value);
    };
    this.rejected = (thrown) => {
      if (this.hold !== undefined) executor.settled(this, this.hold, false, thrown);
    };
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
