/**
 * Publishes runs of handlers on the tracing channel `fleet-q:run`.
 *
 * Invariants:
 * - `start` comes right before the handler is called, `end` when its call has returned. `asyncStart` comes when the claim has
 *   its outcome, `asyncEnd` when the store has confirmed it, or the queue stops without that. Each comes once.
 * - The handler runs within the channel's stores and within what its subscribers have wrapped around it.
 * - Without subscribers nothing is made: the caller checks `runs.hasSubscribers` first.
 */
import { tracingChannel } from 'node:diagnostics_channel';
import type { TraceCarrier } from '../step/carrier.js';
import { timeoutError, type Outcome } from '../step/decide-transition.js';
import type { SerializedError } from '../step/serialized-error.js';
import type { Metadata } from '../step/step.js';
import type { Receipt, Settlement } from '../store/contract.js';

/**
 * What a run came to, in the words of the events. `lost`: the claim was no longer held, so the outcome was discarded.
 * `unconfirmed`: the queue stopped before the store confirmed the outcome.
 */
export type RunOutcome = 'completed' | 'retrying' | 'failed' | 'cancelled' | 'released' | 'lost' | 'unconfirmed';

/** Calls the handler, and returns what it returns. */
export type CallHandler = () => unknown;

/** One run of a handler: what the tracing channel `fleet-q:run` publishes. All events of one run have the same object. */
export interface RunTrace {
  readonly podId: string;
  readonly stepId: string;
  readonly type: string;
  /** 1 on the first charged run. */
  readonly attempt: number;
  readonly maxRetries: number;
  /** How long the step had been due when its handler was called, in ms. */
  readonly waitMs: number;
  /** The handler has the same object. */
  readonly metadata: Metadata;
  /** What was set when the step was submitted. */
  readonly carrier: TraceCarrier | undefined;
  /**
   * In `start`: has the handler called by `around`, which calls what it is given and returns what that returns. For tracers
   * whose context is no `AsyncLocalStorage` that could be bound to the channel. The last one is the outermost.
   */
  runInside(around: (call: CallHandler) => unknown): void;
  /** From `asyncStart` on: how long the handler ran, in ms. Of a handler that was given up: until then. */
  readonly durationMs?: number;
  /** From `error` on: why the run failed. What a handler throws because it was aborted is not an error. */
  readonly error?: SerializedError;
  /** From `asyncStart` on: whether the handler ran out of time. */
  readonly isTimedOut?: boolean;
  /** From `asyncStart` on: whether the handler still runs, because it ignored its abort. */
  readonly isStray?: boolean;
  /** At `asyncEnd`. */
  readonly outcome?: RunOutcome;
  /** At `asyncEnd`: the time until the step is due again, in ms, if it was retried or released with a delay. */
  readonly delayMs?: number;
}

/** The tracing channel `fleet-q:run`. */
export const runs = tracingChannel<unknown, RunTrace>('fleet-q:run');

/** The fields that a run has from its start. */
export type StartedRun = Pick<
  RunTrace,
  'podId' | 'stepId' | 'type' | 'attempt' | 'maxRetries' | 'waitMs' | 'metadata' | 'carrier'
>;

/** A run that is published. */
export class TracedRun {
  readonly #trace: Mutable<RunTrace>;
  #call: CallHandler;

  constructor(started: StartedRun, call: CallHandler) {
    this.#call = call;
    this.#trace = {
      ...started,
      runInside: (around) => {
        const inner = this.#call;
        this.#call = () => around(inner);
      },
    };
  }

  /** Calls the handler. */
  start(): unknown {
    return runs.start.runStores(this.#trace, () => {
      try {
        return this.#call();
      } finally {
        runs.end.publish(this.#trace);
      }
    });
  }

  /** The claim has its outcome. */
  ended(outcome: Outcome, durationMs: number, isStray: boolean): void {
    const trace = this.#trace;
    const error = errorOf(outcome);
    trace.durationMs = durationMs;
    trace.isTimedOut = outcome.kind === 'timedOut';
    trace.isStray = isStray;
    if (error !== undefined) {
      trace.error = error;
      runs.error.publish(trace);
    }
    runs.asyncStart.publish(trace);
  }

  /** The store has replied to the settlement. */
  settled(settlement: Settlement, receipt: Receipt): void {
    if (receipt === 'settled' && settlement.delayMs !== null) this.#trace.delayMs = settlement.delayMs;
    this.#finish(outcomeOf(settlement, receipt));
  }

  /** No reply will come. */
  unconfirmed(): void {
    this.#finish('unconfirmed');
  }

  #finish(outcome: RunOutcome): void {
    this.#trace.outcome = outcome;
    runs.asyncEnd.publish(this.#trace);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

function errorOf(outcome: Outcome): SerializedError | undefined {
  if (outcome.kind === 'timedOut') return timeoutError(outcome);
  return 'error' in outcome ? outcome.error : undefined;
}

function outcomeOf({ status, charge }: Settlement, receipt: Receipt): RunOutcome {
  if (receipt !== 'settled') return receipt;
  if (status === 'pending') return charge === 1 ? 'retrying' : 'released';
  return status;
}
