/**
 * Records what a handler submits in a test.
 *
 * Invariants:
 * - A call is checked as a queue checks it. A refused call records nothing.
 * - A step is recorded as a queue stores it: a later change of the caller's objects does not show.
 * - The steps are in the order of the calls, however long a schema takes.
 */
import { SameStepTwice } from '../client/same-step-twice.js';
import { resolveOptions } from '../options.js';
import { systemRuntime } from '../runtime/runtime.js';
import { decodePayload } from '../step/payload.js';
import type { StepInput } from '../step/step-input.js';
import type { NewStep } from '../step/submission.js';
import { childCall, childrenCall } from '../step/child-call.js';
import { checkStep, type QueueLimits, type SubmitCall } from '../step/submit-call.js';

/** A step that a handler has submitted. */
export type SubmittedStep = StepInput & { readonly stepId: string };

const { maxPayloadBytes, maxRetries } = resolveOptions();
/** The default limits of a queue. */
export const DEFAULT_LIMITS: QueueLimits = { maxPayloadBytes, maxRetries };

export class RecordedSubmissions {
  /** Each step once, in the order of the calls. It grows as calls succeed. */
  readonly steps: SubmittedStep[] = [];
  readonly #parentId: string;
  /** The steps of each call; none while it is being checked, or if it is refused. */
  readonly #calls: SubmittedStep[][] = [];

  constructor(parentId: string) {
    this.#parentId = parentId;
  }

  async submit(definition: unknown, args: unknown, options: unknown): Promise<string> {
    const recorded = this.#newCall();
    const call = childCall(this.#parentId, definition, args, options);
    const step = await check(call, '');
    this.#record(recorded, [submittedStep(call.input, step)]);
    return step.stepId;
  }

  async submitMany(definition: unknown, argsList: unknown, options: unknown): Promise<string[]> {
    const recorded = this.#newCall();
    const call = childrenCall(this.#parentId, definition, argsList, options);
    const twice = new SameStepTwice();
    const steps: SubmittedStep[] = [];
    for (const input of call.inputs) {
      const at = steps.length;
      const step = await check({ definition: call.definition, input }, `steps[${at}].`);
      steps.push(submittedStep(input, twice.check(input, step, at)));
    }
    this.#record(recorded, steps);
    return steps.map(({ stepId }) => stepId);
  }

  /** Reserves the place of a call. */
  #newCall(): SubmittedStep[] {
    const steps: SubmittedStep[] = [];
    this.#calls.push(steps);
    return steps;
  }

  #record(call: SubmittedStep[], steps: readonly SubmittedStep[]): void {
    call.push(...steps);
    const byId = new Map<string, SubmittedStep>();
    for (const step of this.#calls.flat()) if (!byId.has(step.stepId)) byId.set(step.stepId, step);
    this.steps.splice(0, this.steps.length, ...byId.values());
  }
}

function check({ definition, input }: SubmitCall, prefix: string): NewStep | Promise<NewStep> {
  return checkStep(input, definition, DEFAULT_LIMITS, () => systemRuntime.uuid(), prefix);
}

/** The input, with args and metadata as they are stored. */
function submittedStep(input: StepInput, { stepId, payload }: NewStep): SubmittedStep {
  const { args, metadata } = decodePayload(payload);
  const stored = { ...(args === undefined ? {} : { args }), ...(input.metadata === undefined ? {} : { metadata }) };
  return { ...input, ...stored, stepId };
}
