/**
 * Runs the handler of a claim, and turns the claim into an outcome.
 *
 * Invariants:
 * - A slot is free again only when its handler has returned. An aborted handler gets `abortGraceMs` to end. After that
 *   its claim is settled while it still runs. The handler is then a stray: until it returns it keeps its slot, and its
 *   step cannot run again on this pod.
 * - Each handler runs in an async context of its own, a copy of the pool's. Changes to it do not reach other handlers.
 * - A handler that returns a value, not a promise, needs no promise. A handler that returns a promise needs no new
 *   closure, because callbacks are reused.
 */
import { EVENT_LINES, logEvent, type Events } from '../../events.js';
import type { Log } from '../../log.js';
import { isThenable } from '../../input/thenable.js';
import { runInContextCopy } from '../../runtime/async-context.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { Outcome } from '../../step/decide-transition.js';
import { fieldsOf, briefStartOf, startedOf, type AbortCause, type HeldClaim } from '../claims/held-claim.js';
import type { HeldClaims } from '../claims/held-claims.js';
import type { ReadonlyPoolState } from '../pool-state.js';
import { runs } from '../../tracing/run-trace.js';
import { ArgsMismatch, callWithChecks } from './checked-call.js';
import type { CompletionRate } from './completion-rate.js';
import { Context, type ChildSubmitter } from './context.js';
import { Deadlines } from './deadlines.js';
import { abortedOutcome, returnedOutcome, thrownOutcome } from './decide-outcome.js';
import { callTraced } from './traced-call.js';

export interface ExecutorDependencies {
  readonly runtime: Runtime;
  readonly events: Events;
  readonly log: Log;
  /** Submits the steps that handlers submit. */
  readonly submitter: ChildSubmitter;
  readonly abortGraceMs: number;
  readonly maxPayloadBytes: number;
  readonly state: Pick<ReadonlyPoolState, 'isStopping'>;
  readonly claims: HeldClaims;
  readonly rate: CompletionRate;
  readonly slots: number;
  /** The self-fence; the caller of `run` has asked it. */
  readonly mayProceed: () => boolean;
  /**
   * A handler has returned. Its slot is free, and its claim has an outcome. If the handler was a stray, the claim had
   * one before.
   */
  readonly onReturned: (wasStray: boolean) => void;
}

export class Executor {
  readonly #deps: ExecutorDependencies;
  readonly #spare: PromiseCallbacks[] = [];
  readonly #deadlines: Deadlines;

  constructor(deps: ExecutorDependencies) {
    this.#deps = deps;
    this.#deadlines = new Deadlines(deps.runtime, (now) => this.#expire(now));
  }

  /** Calls a claim's handler. @returns the time when the call returned */
  run(held: HeldClaim, now: number): number {
    const { runtime, events, log, claims, rate, state, maxPayloadBytes, mayProceed } = this.#deps;
    const { running } = claims;
    const { limit, definition } = held.handler;
    held.begin(now);
    running.call(held);
    if (rate.starved) this.#working(now);
    let returned: unknown;
    try {
      const payload = readPayload(held);
      const context = new Context(held, payload.metadata, this.#deps);
      if (log.verbose) logEvent(log, EVENT_LINES.stepStarted, { ...fieldsOf(held), waitMs: held.waitMs });
      if (events.has('step:started'))
        events.emitLazily(
          'step:started',
          () => startedOf(held),
          () => briefStartOf(held),
        );
      if (runs.hasSubscribers) returned = callTraced(held, payload.args, context, mayProceed);
      else if (limit === undefined && definition.schema === undefined)
        returned = runInContextCopy(definition.run, payload.args, context);
      else returned = callWithChecks(held, payload.args, context, mayProceed);
      running.called();
      if (isThenable(returned)) {
        this.#follow(held, returned);
        return runtime.monotonicMs(); // it may have worked for long before its first await
      }
    } catch (thrown) {
      running.called();
      return this.#returned(held, thrownOutcome(held, thrown, state.isStopping));
    }
    return this.#returned(held, returnedOutcome(held, returned, maxPayloadBytes));
  }

  /** Aborts the claim's handler, if it runs and was not aborted before. */
  abort(held: HeldClaim, cause: AbortCause): void {
    if (held.aborted !== undefined || held.state !== 'running') return;
    const { runtime, abortGraceMs, claims } = this.#deps;
    held.expireAt(runtime.monotonicMs() + abortGraceMs);
    if (!claims.running.isCalling(held)) this.#deadlines.expect(held.dueAt);
    held.abort(cause);
  }

  abortAll(cause: AbortCause): void {
    for (const held of this.#deps.claims.running.withoutStrays()) this.abort(held, cause);
  }

  /**
   * The step was cancelled `agoMs` ago: its handler is aborted; a claim that has not started ends.
   *
   * @param isMeant whether this claim was made before the cancellation: since then the step may have been retried and claimed again
   */
  cancel(stepId: string, agoMs: number, isMeant: (held: HeldClaim) => boolean): void {
    const { claims } = this.#deps;
    const running = claims.running.find(stepId);
    if (running !== undefined && isMeant(running)) {
      running.cancelled(agoMs);
      this.abort(running, 'cancelled');
    }
    claims.cancelUnstarted(stepId, agoMs, isMeant);
  }

  /** Cancels the timer of the deadlines. */
  stop(): void {
    this.#deadlines.stop();
  }

  #follow(held: HeldClaim, promise: PromiseLike<unknown>): void {
    const callbacks = this.#spare.pop() ?? new PromiseCallbacks(this);
    callbacks.held = held;
    this.#deps.claims.running.goesOn(held);
    if (held.aborted === undefined) held.expireAt(held.startedAt + held.handler.timeoutMs);
    if (held.dueAt !== Infinity) this.#deadlines.expect(held.dueAt);
    void Promise.resolve(promise).then(callbacks.fulfilled, callbacks.rejected);
  }

  /** @internal The promise of a handler has settled. */
  settled(callbacks: PromiseCallbacks, held: HeldClaim, ok: boolean, value: unknown): void {
    const { claims, state, maxPayloadBytes } = this.#deps;
    callbacks.held = undefined;
    this.#spare.push(callbacks);
    claims.running.settled(held);
    const outcome = ok ? returnedOutcome(held, value, maxPayloadBytes) : thrownOutcome(held, value, state.isStopping);
    this.#returned(held, outcome);
  }

  /** The slots that count as working: all, unless nothing is left to start. */
  #working(now: number): void {
    const { claims, rate, slots } = this.#deps;
    rate.working(now, claims.ready.size > 0 ? 1 : claims.running.busy / slots);
  }

  #returned(held: HeldClaim, outcome: Outcome): number {
    const { runtime, claims, rate, onReturned } = this.#deps;
    const now = runtime.monotonicMs();
    const wasStray = held.state === 'stray';
    claims.running.returned();
    if (claims.ready.size === 0) this.#working(now);
    if (wasStray) this.#strayReturned(held);
    else {
      held.ranUntil(now);
      rate.completed(held.durationMs);
      if (held.handler.limit !== undefined) held.handler.took(held.durationMs);
      claims.end(held, outcome);
    }
    onReturned(wasStray);
    return now;
  }

  /**
   * Aborts the handlers whose time-out is reached; a handler whose grace is over becomes a stray.
   *
   * @returns when the next deadline is
   */
  #expire(now: number): number {
    let next = Infinity;
    for (const held of this.#deps.claims.running.pending()) {
      if (held.state !== 'running') continue;
      if (held.dueAt <= now) {
        if (held.aborted === undefined) this.abort(held, 'timedOut');
        else this.#becomeStray(held, held.aborted, now);
      }
      if (held.state === 'running') next = Math.min(next, held.dueAt);
    }
    return next;
  }

  #becomeStray(held: HeldClaim, cause: AbortCause, now: number): void {
    const { log, claims, abortGraceMs } = this.#deps;
    const { stepId, type } = held.claim;
    log.warn(
      { stepId, type, reason: cause, abortGraceMs },
      'handler ignored its abort; settling its claim, and its slot stays in use until it returns',
    );
    held.ranUntil(now);
    claims.running.addStray(held); // before the end: a drain that waits for running handlers looks at the strays then
    claims.end(held, abortedOutcome(held, cause));
    held.becomeStray();
  }

  #strayReturned(held: HeldClaim): void {
    const { stepId, type } = held.claim;
    this.#deps.log.info({ stepId, type }, 'stray handler returned; its slot is free');
    held.strayReturned();
    this.#deps.claims.running.removeStray(held);
  }
}

/** The callbacks of a handler's promise. Made once, and used for one handler after another. */
class PromiseCallbacks {
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

function readPayload(held: HeldClaim): { readonly args: unknown; readonly metadata: Context['metadata'] } {
  try {
    return held.readPayload();
  } catch {
    throw new ArgsMismatch(held.claim.type, 'the payload is not JSON');
  }
}
