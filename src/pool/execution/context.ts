/**
 * What a handler gets beside its args.
 *
 * Law: made for every step, so it costs next to nothing: what most handlers never touch (signal, log) is made when it
 * is touched. `release` works without its object, since handlers take the context apart.
 */
import type { Log, Logger } from '../../log.js';
import type { ReleaseOptions, StepContext } from '../../step/definition.js';
import { checkFields, milliseconds, type FieldChecks } from '../../step/field-checks.js';
import type { Metadata } from '../../step/step.js';
import type { HeldClaim } from '../claims/held-claim.js';

/** What `ctx.release()` throws to leave the handler. */
class Released extends Error {
  override readonly name = 'StepReleasedError';
}

const DEFAULT_RELEASE_MS = 5_000;
const RELEASE_FIELDS: FieldChecks = { delayMs: milliseconds };

export class Context implements StepContext {
  readonly stepId: string;
  readonly type: string;
  readonly attempt: number;
  readonly maxRetries: number;
  readonly metadata: Metadata;
  readonly podId: string;
  readonly idempotencyKey: string;
  readonly #held: HeldClaim;
  readonly #poolLog: Log;
  #log: Logger | undefined = undefined;

  constructor(held: HeldClaim, metadata: Metadata, log: Log) {
    const { claim } = held;
    this.stepId = claim.stepId;
    this.type = claim.type;
    this.attempt = claim.retryCount + 1;
    this.maxRetries = claim.maxRetries;
    this.metadata = metadata;
    this.podId = held.pod.podId;
    this.idempotencyKey = claim.stepId;
    this.#held = held;
    this.#poolLog = log;
  }

  get signal(): AbortSignal {
    return this.#held.signal;
  }

  get log(): Logger {
    return (this.#log ??= this.#poolLog.with({ stepId: this.stepId, type: this.type, attempt: this.attempt }));
  }

  get release(): (options?: ReleaseOptions) => never {
    return (options = {}) => {
      checkFields(options, RELEASE_FIELDS, 'STEP_INVALID', 'release');
      const { delayMs = DEFAULT_RELEASE_MS } = options;
      this.#held.releasedFor ??= delayMs;
      throw new Released('the step is given back');
    };
  }
}
