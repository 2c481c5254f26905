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
import { runInContextCopy } from '../../runtime/async-context.js';
import type { Runtime } from '../../runtime/runtime.js';
import { checkArgs, type Checked } from '../../step/definition.js';
import type { Outcome } from '../../step/transition.js';
import { Context, type ChildSubmitter } from './context.js';
import { Deadlines } from './deadlines.js';
import { eventOf, type AbortCause, type HeldClaim } from '../claims/held-claim.js';
import { abortedOutcome, ArgsMismatch, returnedOutcome, thrownOutcome } from './outcome.js';
import { CompletionRate } from '../planning/completion-rate.js';

export interface ExecutorParts {
  /** Submits what handlers submit. */
  readonly submitter: ChildSubmitter;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly log: Log;
  readonly settings: { readonly slots: number; readonly abortGraceMs: number; readonly maxPayloadBytes: number };
  /** The claim has its outcome. */
  readonly onEnd: (held: HeldClaim) => void;
  /** A handler has returned: its slot, and its step, are free again. */
  readonly onReturn: (held: HeldClaim) => void;
}

export class Executor {
  readonly rate = new CompletionRate();
  /** The queue is being stopped: a handler that fails for that reason is not charged. */
  stopping = false;
  /** Handlers that have returned so far. */
  returns = 0;
  readonly #parts: ExecutorParts;
  /** What has not returned yet, strays included, by `stepId`; what returns at once is never in it. */
  readonly #running = new Map<string, HeldClaim>();
  readonly #spare: Slot[] = [];
  readonly #deadlines: Deadlines;
  /** What is being called right now. */
  #calling: HeldClaim | undefined;
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
  find(stepId: string): HeldClaim | undefined {
    if (this.#calling?.claim.stepId === stepId) return this.#calling;
    return this.#running.size === 0 ? undefined : this.#running.get(stepId);
  }

  /** Claims whose handler runs, without strays. */
  held(): HeldClaim[] {
    const claims = [...this.#running.values()].filter(({ state }) => state === 'running');
    return this.#calling === undefined ? claims : [...claims, this.#calling];
  }

  /** Runs a claim's handler. @returns the time after it returned, or went on in the background */
  run(held: HeldClaim, now: number): number {
    const { handler } = held;
    held.state = 'running';
    held.startedAt = now;
    if (this.#busy++ === 0) this.#busySince = now;
    this.#calling = held;
    let returned: unknown;
    try {
      const payload = this.#read(held);
      const context = new Context(held, payload.metadata, this.#parts);
      if (this.#parts.events.has('step:started')) this.#parts.events.emitLazily('step:started', () => eventOf(held));
      const { schema, run } = handler.definition;
      if (handler.limit === undefined && schema === undefined) returned = runInContextCopy(run, payload.args, context);
      else returned = this.#callGuarded(held, payload.args, context);
      this.#calling = undefined;
      if (isThenable(returned)) {
        this.#follow(held, returned);
        return this.#parts.runtime.monotonicMs(); // it may have worked for long before its first await
      }
    } catch (thrown) {
      this.#calling = undefined;
      return this.#returned(held, thrownOutcome(held, thrown, this.stopping));
    }
    return this.#returned(held, returnedOutcome(held, returned, this.#parts.settings.maxPayloadBytes));
  }

  abort(held: HeldClaim, cause: AbortCause): void {
    if (held.aborted !== undefined || held.state !== 'running') return;
    held.dueAt = this.#parts.runtime.monotonicMs() + this.#parts.settings.abortGraceMs;
    if (held !== this.#calling) this.#deadlines.expect(held.dueAt);
    held.abort(cause);
  }

  abortAll(cause: AbortCause): void {
    for (const held of this.held()) this.abort(held, cause);
  }

  /** Lets the timer go. */
  stop(): void {
    this.#deadlines.stop();
  }

  #read(held: HeldClaim): { readonly args: unknown; readonly metadata: Context['metadata'] } {
    try {
      return held.readPayload();
    } catch {
      throw new ArgsMismatch(held.claim.type, 'the payload is not JSON');
    }
  }

  /** For a type with a `concurrency` or a schema. */
  #callGuarded(held: HeldClaim, args: unknown, context: Context): unknown {
    const call = (): unknown => runInContextCopy(() => this.#call(held, args, context));
    const { limit } = held.handler;
    return limit === undefined ? call() : limit(call);
  }

  /** Checks the args, then runs the handler; unless the claim was aborted before it could begin. */
  #call(held: HeldClaim, args: unknown, context: Context): unknown {
    const { schema } = held.handler.definition;
    if (schema === undefined) return this.#callChecked(held, { ok: true, value: args }, context);
    const checked = checkArgs(schema, args);
    if (!types.isPromise(checked)) return this.#callChecked(held, checked, context);
    return checked.then((late) => this.#callChecked(held, late, context));
  }

  #callChecked(held: HeldClaim, checked: Checked, context: Context): unknown {
    if (held.aborted !== undefined) throw held.signal.reason;
    if (!checked.ok) throw new ArgsMismatch(held.claim.type, checked.problem);
    return held.handler.definition.run(checked.value, context);
  }

  #follow(held: HeldClaim, promise: PromiseLike<unknown>): void {
    const slot = this.#spare.pop() ?? new Slot(this);
    slot.held = held;
    this.#running.set(held.claim.stepId, held);
    if (held.aborted === undefined) held.dueAt = held.startedAt + held.handler.timeoutMs;
    if (held.dueAt !== Infinity) this.#deadlines.expect(held.dueAt);
    void Promise.resolve(promise).then(slot.fulfilled, slot.rejected);
  }

  /** @internal The promise of a slot has settled. */
  settled(slot: Slot, held: HeldClaim, ok: boolean, value: unknown): void {
    slot.held = undefined;
    this.#spare.push(slot);
    this.#running.delete(held.claim.stepId);
    this.#returned(
      held,
      ok
        ? returnedOutcome(held, value, this.#parts.settings.maxPayloadBytes)
        : thrownOutcome(held, value, this.stopping),
    );
  }

  #returned(held: HeldClaim, outcome: Outcome): number {
    const now = this.#parts.runtime.monotonicMs();
    this.returns++;
    if (--this.#busy === 0) this.rate.busy(now - this.#busySince);
    if (held.state === 'stray') this.#strayReturned(held);
    else {
      held.durationMs = now - held.startedAt;
      this.rate.ended(held.durationMs);
      if (held.handler.limit !== undefined) held.handler.took(held.durationMs);
      this.#end(held, outcome);
    }
    this.#parts.onReturn(held);
    return now;
  }

  #end(held: HeldClaim, outcome: Outcome): void {
    held.state = 'ended';
    held.outcome = outcome;
    this.#parts.onEnd(held);
  }

  /** Time is up for some: a handler is aborted, or its grace is over. Answers when the next is due. */
  #expire(now: number): number {
    let next = Infinity;
    for (const held of this.#running.values()) {
      if (held.state !== 'running') continue;
      if (held.dueAt <= now) {
        if (held.aborted === undefined) this.abort(held, 'timedOut');
        else this.#goesAstray(held, held.aborted, now);
      }
      if (held.state === 'running') next = Math.min(next, held.dueAt);
    }
    return next;
  }

  #goesAstray(held: HeldClaim, cause: AbortCause, now: number): void {
    const { stepId, type } = held.claim;
    this.#parts.log.warn({ stepId, type, cause }, 'an aborted handler goes on: a stray, which keeps its slot');
    held.durationMs = now - held.startedAt;
    this.#strays++;
    held.handler.strays++;
    this.#end(held, abortedOutcome(held, cause));
    held.state = 'stray';
  }

  #strayReturned(held: HeldClaim): void {
    const { stepId, type } = held.claim;
    this.#parts.log.info({ stepId, type }, 'a stray has returned');
    this.#strays--;
    held.handler.strays--;
    held.state = 'ended';
  }
}

/** A place for a handler that returned a promise. Its callbacks are made once. */
class Slot {
  held: HeldClaim | undefined;
  readonly fulfilled: (value: unknown) => void;
  readonly rejected: (thrown: unknown) => void;

  constructor(executor: Executor) {
    this.fulfilled = (value) => {
      if (this.held !== undefined) executor.settled(this, this.held, true, value);
    };
    this.rejected = (thrown) => {
      if (this.held !== undefined) executor.settled(this, this.held, false, thrown);
    };
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}
