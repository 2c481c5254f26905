/**
 * What a handler gets beside its args.
 *
 * Invariants:
 * - It is made for every step, so it must be cheap: the signal and the log are made on first use.
 * - `release` works without its object, because handlers destructure the context.
 */
import type { Log, Logger } from '../../log.js';
import type { ReleaseOptions, StepContext } from '../../step/handler-context.js';
import { childCall, childrenCall } from '../../step/child-call.js';
import { releaseDelay } from '../../step/release-delay.js';
import type { Metadata } from '../../step/step.js';
import type { SubmitCall, SubmitManyCall } from '../../step/submit-call.js';
import type { HeldClaim } from '../claims/held-claim.js';

/** Thrown by `ctx.release()` to leave the handler. */
class Released extends Error {
  override readonly name = 'StepReleasedError';
}

/** `ctx.submit` calls it: the queue's own submitter. */
export interface ChildSubmitter {
  submitCall(call: SubmitCall): Promise<{ readonly stepId: string }>;
  submitManyCall(call: SubmitManyCall): Promise<readonly { readonly stepId: string }[]>;
}

/** The parts that all contexts of one pool share. */
export interface ContextDependencies {
  readonly log: Log;
  readonly submitter: ChildSubmitter;
}

export class Context implements StepContext {
  readonly stepId: string;
  readonly type: string;
  readonly attempt: number;
  readonly maxRetries: number;
  readonly metadata: Metadata;
  readonly podId: string;
  readonly idempotencyKey: string;
  readonly #held: HeldClaim;
  readonly #deps: ContextDependencies;
  #log: Logger | undefined = undefined;

  constructor(held: HeldClaim, metadata: Metadata, deps: ContextDependencies) {
    const { claim } = held;
    this.stepId = claim.stepId;
    this.type = claim.type;
    this.attempt = claim.retryCount + 1;
    this.maxRetries = claim.maxRetries;
    this.metadata = metadata;
    this.podId = held.pod.podId;
    this.idempotencyKey = claim.stepId;
    this.#held = held;
    this.#deps = deps;
  }

  get signal(): AbortSignal {
    return this.#held.signal;
  }

  get log(): Logger {
    return (this.#log ??= this.#deps.log.with({ stepId: this.stepId, type: this.type, attempt: this.attempt }));
  }

  get release(): (options?: ReleaseOptions) => never {
    return (options) => {
      const delayMs = releaseDelay(options);
      this.#held.release(delayMs);
      throw new Released('step released by its handler');
    };
  }

  get submit(): StepContext['submit'] {
    return async (definition, ...[args, options]: readonly unknown[]) => {
      const { stepId } = await this.#deps.submitter.submitCall(childCall(this.stepId, definition, args, options));
      this.#held.addChild(stepId);
      return stepId;
    };
  }

  get submitMany(): StepContext['submitMany'] {
    return async (definition, argsList, options) => {
      const call = childrenCall(this.stepId, definition, argsList, options);
      const submitted = await this.#deps.submitter.submitManyCall(call);
      return submitted.map(({ stepId }) => {
        this.#held.addChild(stepId);
        return stepId;
      });
    };
  }
}
