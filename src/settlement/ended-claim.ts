/** A claim that has ended, with what is known of it until its receipt comes. */
import type { Payload } from '../step/payload.js';
import type { Outcome } from '../step/decide-transition.js';
import type { Claim } from '../store/contract.js';
import type { TracedRun } from '../tracing/run-trace.js';

export interface EndedClaim {
  readonly claim: Claim;
  readonly outcome: Outcome;
  /** The decoded payload, if it is at hand and nobody can change it. Otherwise it is decoded again for each event. */
  readonly payload?: Payload | undefined;
  /** How long the handler ran, in ms. */
  readonly durationMs: number;
  /** How long the step had been cancelled when this pod noticed, in ms; `undefined` if only the receipt says so. */
  readonly cancelledForMs?: number | undefined;
  /** The trace of its run, if that has subscribers. */
  readonly trace?: TracedRun | undefined;
  /** The pod that held the claim. Default: this pod. Recovery settles the claims of other pods. */
  readonly podId?: string;
}
