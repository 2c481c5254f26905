/**
 * Validates steps and writes them to the store, several calls in one commit.
 *
 * Invariants:
 * - Nothing is written before the whole input has been checked.
 * - Calls of `submit` that overlap share a commit: those that come during a commit form the next one. A commit belongs to
 *   no caller, so it runs in the queue's own async context.
 * - If a reply does not come, the same ids are sent again, so that no second step is made.
 * - If the store refuses a step, only that step fails.
 */
import { types } from 'node:util';
import { nearest, show, StoppedError, SubmitIncompleteError, ValidationError } from '../errors.js';
import { EVENT_LINES, logEvent, type Events } from '../events.js';
import type { Log } from '../log.js';
import type { Settings } from '../options.js';
import type { QueueContext } from '../runtime/async-context.js';
import type { Runtime } from '../runtime/runtime.js';
import { mapInSlices } from '../runtime/time-slices.js';
import type { RegisteredStep } from '../step/definition.js';
import { iterableOf } from '../input/field-checks.js';
import { decodePayload } from '../step/payload.js';
import type { StepRegistry } from '../step/step-registry.js';
import { checkStep, submitCall, submitManyCall, type SubmitCall, type SubmitManyCall } from '../step/submit-call.js';
import type { StepInput } from '../step/step-input.js';
import type { NewStep } from '../step/submission.js';
import { isRefusal, type StepStore, type SubmitReceipt } from '../store/contract.js';
import { submissions, traceSubmit, type Carry, type TracedCall } from '../tracing/submit-trace.js';
import { repeatUnanswered } from './repeat-unanswered.js';
import { commitEnd } from './commit-size-limit.js';
import { SameStepTwice } from './same-step-twice.js';

export interface SubmitterDependencies {
  readonly store: Pick<StepStore, 'submit'>;
  readonly submitBatch: number;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly context: QueueContext;
  readonly log: Log;
  readonly settings: Pick<Settings, 'podId' | 'maxPayloadBytes' | 'maxRetries' | 'unknownTypes'>;
  readonly registry: StepRegistry;
  /** Aborts before the store is closed: then nothing new is written. */
  readonly closing: AbortSignal;
  /** Called after each commit: a step may be due. */
  readonly onCommitted: () => void;
}

export interface Submitted {
  readonly stepId: string;
  readonly receipt: SubmitReceipt;
}

/** A call of `submit` that waits for its commit. */
interface Waiting {
  readonly step: NewStep;
  readonly resolve: (receipt: SubmitReceipt) => void;
  readonly reject: (error: unknown) => void;
}

const iterable = iterableOf('steps');

export class Submitter {
  readonly #deps: SubmitterDependencies;
  #waiting: Waiting[] = [];
  #committing: Promise<void> | undefined;
  readonly #commitWaiting = (): Promise<void> => this.#drain();

  constructor(deps: SubmitterDependencies) {
    this.#deps = deps;
  }

  /** Submits one step, `(step)` or `(definition, args, options)`. @throws ValidationError, StoreError, StoppedError */
  async submit(given: unknown, args?: unknown, options?: unknown): Promise<Submitted> {
    const call = submitCall(given, args, options);
    const checking = call === undefined ? this.#check(given, '') : this.#check(call.input, '', call.definition);
    const step = types.isPromise(checking) ? await checking : checking;
    if (submissions.hasSubscribers) return this.#traced(step);
    return this.#submitted(step, await this.#enqueue(step));
  }

  /** The same for a call whose input is made already. @throws ValidationError, StoreError, StoppedError */
  async submitCall({ input, definition }: SubmitCall): Promise<Submitted> {
    const checking = this.#check(input, '', definition);
    const step = types.isPromise(checking) ? await checking : checking;
    if (submissions.hasSubscribers) return this.#traced(step);
    return this.#submitted(step, await this.#enqueue(step));
  }

  /**
   * Submits many steps, `(steps)` or `(definition, argsList, options)`, in commits of a bounded size. Each commit is atomic,
   * the whole call is not.
   *
   * @throws ValidationError before anything is written
   * @throws SubmitIncompleteError if a commit fails; it has the ids of the steps that were committed
   */
  async submitMany(given: unknown, argsList?: unknown, options?: unknown): Promise<Submitted[]> {
    const call = submitManyCall(given, argsList, options);
    if (call !== undefined) return this.submitManyCall(call);
    iterable(given, 'steps', 'STEP_INVALID');
    return this.#submitAll(given as Iterable<unknown>);
  }

  /** The same for a call whose inputs are made already. */
  submitManyCall({ inputs, definition }: SubmitManyCall): Promise<Submitted[]> {
    return this.#submitAll(inputs, definition);
  }

  async #submitAll(inputs: Iterable<unknown>, definition?: RegisteredStep): Promise<Submitted[]> {
    const duplicates = new SameStepTwice();
    const steps = await mapInSlices(this.#deps.runtime, inputs, (input, i) => {
      const checking = this.#check(input, `steps[${i}].`, definition);
      const checkId = (step: NewStep): NewStep => duplicates.check(input as StepInput, step, i);
      return types.isPromise(checking) ? checking.then(checkId) : checkId(checking);
    });
    if (steps.length > 0 && submissions.hasSubscribers)
      return traceSubmit(this.#tracedCall(steps, true), (carry) => this.#commitAll(steps, carry));
    return this.#commitAll(steps);
  }

  async #commitAll(steps: readonly NewStep[], carry?: Carry): Promise<Submitted[]> {
    const done: Submitted[] = [];
    for (let at = 0; at < steps.length;) {
      const end = commitEnd(steps, at, this.#deps.submitBatch, ({ payload }) => payload);
      const plain = steps.slice(at, end);
      const chunk = carry === undefined ? plain : plain.map(carry);
      at = end;
      try {
        const receipts = await this.#commit(chunk);
        chunk.forEach((step, i) => done.push(this.#submitted(step, receipts[i] ?? 'created')));
      } catch (error) {
        const ids = done.map(({ stepId }) => stepId);
        throw new SubmitIncompleteError(ids, steps.length, error);
      }
      this.#deps.onCommitted();
      await this.#deps.runtime.yield();
    }
    return done;
  }

  /** Resolves when every call of `submit` so far has settled. */
  finish(): Promise<void> {
    return this.#committing ?? Promise.resolve();
  }

  /** @param given the definition that was passed; it counts before one that is registered under the same type */
  #check(input: unknown, prefix: string, given?: RegisteredStep): NewStep | Promise<NewStep> {
    const { registry, settings, runtime } = this.#deps;
    const definition = given ?? registry.get((input as StepInput | undefined)?.type ?? '');
    const step = checkStep(input, definition, settings, () => runtime.uuid(), prefix);
    const isUnknown = definition === undefined && settings.unknownTypes === 'refuse';
    if (isUnknown) throw this.#unknown((input as StepInput).type, prefix);
    return step;
  }

  #unknown(type: string, prefix: string): ValidationError {
    const known = this.#deps.registry.types;
    const near = nearest(type, known);
    const none = known.length === 0 ? ': no type is registered, and unknownTypes is "refuse"' : '';
    const hint = near === undefined ? none : `; did you mean ${show(near)}?`;
    return new ValidationError('STEP_TYPE_UNKNOWN', `${prefix}type`, `${show(type)} is not registered here${hint}`);
  }

  #enqueue(step: NewStep): Promise<SubmitReceipt> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ step, resolve, reject });
      this.#committing ??= this.#deps.context.run(this.#commitWaiting);
    });
  }

  async #drain(): Promise<void> {
    await Promise.resolve(); // the calls of this turn share a commit
    while (this.#waiting.length > 0) {
      const end = commitEnd(this.#waiting, 0, this.#deps.submitBatch, ({ step }) => step.payload);
      const batch = this.#waiting.splice(0, end);
      await this.#commitShared(batch);
      this.#deps.onCommitted();
    }
    this.#committing = undefined;
  }

  async #commitShared(batch: readonly Waiting[]): Promise<void> {
    try {
      const receipts = await this.#commit(batch.map(({ step }) => step));
      batch.forEach(({ resolve }, i) => resolve(receipts[i] ?? 'created'));
    } catch (error) {
      if (batch.length > 1 && isRefusal(error)) {
        for (const one of batch) await this.#commitShared([one]); // only the refused step fails
      } else {
        for (const { reject } of batch) reject(error);
      }
    }
  }

  async #commit(steps: readonly NewStep[]): Promise<readonly SubmitReceipt[]> {
    const { store, runtime, closing, context } = this.#deps;
    if (closing.aborted) throw new StoppedError('submit');
    return context.run(() => repeatUnanswered(runtime, closing, () => store.submit(steps)));
  }

  #traced(step: NewStep): Promise<Submitted> {
    return traceSubmit(this.#tracedCall([step], false), async (carry) => {
      const carried = carry(step);
      return this.#submitted(carried, await this.#enqueue(carried));
    });
  }

  #tracedCall(steps: readonly NewStep[], isBatch: boolean): TracedCall {
    const { settings, log } = this.#deps;
    const onRefused = (problem: string): void =>
      log.warn(
        { problem },
        'trace context was not stored: a subscriber of fleet-q:submit has set a carrier that is none',
      );
    return { podId: settings.podId, steps, isBatch, onRefused };
  }

  /** Announces the step. */
  #submitted(step: NewStep, receipt: SubmitReceipt): Submitted {
    const { stepId, type } = step;
    const { events, log } = this.#deps;
    if (receipt === 'mismatch') logEvent(log, EVENT_LINES.stepMismatch, { stepId, type, receipt });
    else if (log.verbose) logEvent(log, EVENT_LINES.stepSubmitted, { stepId, type, receipt });
    if (events.has('step:submitted')) {
      const brief = { type, stepId, receipt };
      events.emitLazily(
        'step:submitted',
        () => ({ ...brief, ...decodePayload(step.payload) }),
        () => brief,
      );
    }
    return { stepId, receipt };
  }
}
