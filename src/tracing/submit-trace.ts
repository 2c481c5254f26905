/**
 * Publishes submissions on the tracing channel `fleet-q:submit`.
 *
 * Invariants:
 * - One call is one trace, also a call that submits many steps. It starts when the whole input has been checked, in the
 *   caller's async context, and nothing is written before its subscribers have been called.
 * - What a subscriber sets as carrier travels with each step of the call. If a carrier is refused, the steps are
 *   submitted without it.
 * - Without subscribers nothing is made: the caller checks `submissions.hasSubscribers` first.
 */
import { tracingChannel } from 'node:diagnostics_channel';
import { encodeCarrier, withCarrier, type TraceCarrier } from '../step/carrier.js';
import type { NewStep } from '../step/submission.js';
import type { SubmitReceipt } from '../store/contract.js';

/** What became of a submitted step. */
export interface TracedReceipt {
  readonly stepId: string;
  readonly receipt: SubmitReceipt;
}

/**
 * One call of `submit` or `submitMany`, of a queue or of a handler's context: what the tracing channel `fleet-q:submit`
 * publishes. All events of one call have the same object.
 */
export interface SubmitTrace {
  /** The pod that submits, or the process that only submits. */
  readonly podId: string;
  /** The type of all steps of the call; `undefined` if they differ. */
  readonly type: string | undefined;
  /** Of a call that submits one step. */
  readonly stepId: string | undefined;
  /** How many steps the call submits. A step that the call names twice counts twice. */
  readonly count: number;
  /** Whether the call was `submitMany`. */
  readonly isBatch: boolean;
  /**
   * Set it in `start` to have it stored with each step of the call: at most 8 names, printable ASCII, at most 1,024 bytes of
   * JSON. The trace of each run has it again.
   */
  carrier: TraceCarrier | undefined;
  /** From `asyncStart` on, if the call succeeded: one for a single step, a list for many. */
  readonly result?: TracedReceipt | readonly TracedReceipt[];
  /** From `error` on, if the call failed: what it rejects with. */
  readonly error?: unknown;
}

/** The tracing channel `fleet-q:submit`. */
export const submissions = tracingChannel<unknown, SubmitTrace>('fleet-q:submit');

/** What a traced call submits. */
export interface TracedCall {
  readonly podId: string;
  /** Checked, and not empty. */
  readonly steps: readonly NewStep[];
  readonly isBatch: boolean;
  /** A subscriber has set a carrier that cannot be stored. */
  readonly onRefused: (problem: string) => void;
}

/** Puts the carrier of a call into a step. */
export type Carry = (step: NewStep) => NewStep;

/** Publishes the call, and makes it within the context of its subscribers. */
export function traceSubmit<T extends TracedReceipt | readonly TracedReceipt[]>(
  { podId, steps, isBatch, onRefused }: TracedCall,
  call: (carry: Carry) => Promise<T>,
): Promise<T> {
  const [first] = steps;
  const isOneType = steps.every(({ type }) => type === first?.type);
  const trace: SubmitTrace = {
    podId,
    type: isOneType ? first?.type : undefined,
    stepId: isBatch ? undefined : first?.stepId,
    count: steps.length,
    isBatch,
    carrier: undefined,
  };
  return submissions.tracePromise(() => call(carryOf(trace, onRefused)), trace);
}

const asItIs: Carry = (step) => step;

function carryOf({ carrier }: SubmitTrace, onRefused: TracedCall['onRefused']): Carry {
  if (carrier === undefined) return asItIs;
  const encoded = encodeCarrier(carrier);
  if ('problem' in encoded) onRefused(encoded.problem);
  const text = 'text' in encoded ? encoded.text : undefined;
  return text === undefined ? asItIs : (step) => ({ ...step, payload: withCarrier(step.payload, text) });
}
