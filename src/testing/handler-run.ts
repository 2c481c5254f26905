/** One call of a handler in a test fleet, and what it waits for. */
import type { StepContext } from '../step/handler-context.js';

/** One call of a handler, in the order in which they began. */
export interface TestRun {
  readonly type: string;
  readonly stepId: string;
  /** What the handler got: the output of its schema. */
  readonly args: unknown;
  readonly attempt: number;
  readonly podId: string;
  /** When it began, in epoch ms by the fleet's clock. */
  readonly startedAt: number;
  /**
   * `running`; `returned` or `threw`, whatever then became of the step; `crashed`: its pod died during the call, so the
   * step does not know of it.
   */
  readonly outcome: 'running' | 'returned' | 'threw' | 'crashed';
}

/** The pod on which a handler runs. */
export interface RunPod {
  readonly podId: string;
  readonly isDead: boolean;
  /** By how much its clocks lag behind, because idle time was skipped. */
  readonly skippedMs: number;
  /** It dies now, as by SIGKILL. @param restart whether a new process takes its place */
  die(restart: boolean): void;
}

type Submit = (...args: never[]) => Promise<unknown>;
/** They work without their object. */
interface Submitting {
  readonly submit: Submit;
  readonly submitMany: Submit;
}

/** A promise that never settles: code of a process that was killed goes no further. */
export function never(): Promise<never> {
  return new Promise<never>(() => {});
}

export interface RunBegun {
  readonly pod: RunPod;
  readonly context: StepContext;
  readonly args: unknown;
  readonly startedAt: number;
  readonly timed: boolean;
}

export class HandlerRun implements TestRun {
  readonly type: string;
  readonly stepId: string;
  readonly args: unknown;
  readonly attempt: number;
  readonly podId: string;
  readonly startedAt: number;
  readonly pod: RunPod;
  /** Whether it has a time-out. */
  readonly timed: boolean;
  readonly #skippedBefore: number;
  #skippedMs: number | undefined;
  readonly #context: StepContext;
  #ended: 'returned' | 'threw' | undefined;
  #diedWith = false;
  #waits = 0;

  constructor({ pod, context, args, startedAt, timed }: RunBegun) {
    this.timed = timed;
    this.#skippedBefore = pod.skippedMs;
    this.pod = pod;
    this.#context = context;
    this.type = context.type;
    this.stepId = context.stepId;
    this.attempt = context.attempt;
    this.podId = pod.podId;
    this.args = args;
    this.startedAt = startedAt;
  }

  get outcome(): TestRun['outcome'] {
    if (this.#diedWith) return 'crashed';
    return this.#ended ?? 'running';
  }

  /** Whether it waits for the fleet, not for anything real. Time may move meanwhile. */
  get waits(): boolean {
    return this.#waits > 0 && this.#ended === undefined;
  }

  /** Whether its claim was aborted. */
  get aborted(): boolean {
    return this.#context.signal.aborted;
  }

  /** How much time was skipped during the call, in ms: its pod has not measured it. */
  get skippedMs(): number {
    return this.#skippedMs ?? this.pod.skippedMs - this.#skippedBefore;
  }

  end(how: 'returned' | 'threw'): void {
    this.#ended ??= how;
    this.#skippedMs ??= this.skippedMs;
  }

  /** Its pod has died. @returns whether it ran */
  die(): boolean {
    if (this.#ended !== undefined) return false;
    this.#diedWith = true;
    return true;
  }

  /** Runs a call to the fleet. It never ends if the pod of this run is dead by then. */
  async wait<T>(work: () => Promise<T>): Promise<T> {
    if (this.pod.isDead) return never();
    this.#waits++;
    try {
      return await work();
    } finally {
      this.#waits--;
      if (this.pod.isDead) await never();
    }
  }

  /** The context that the handler gets. @param closing aborts when the fleet is stopped */
  context(closing: AbortSignal): StepContext {
    const context = this.#context;
    const submitting: Submitting = context;
    const waiting =
      (call: Submit): Submit =>
      (...args) =>
        this.wait(() => call(...args));
    let signal: AbortSignal | undefined;
    return {
      stepId: context.stepId,
      type: context.type,
      attempt: context.attempt,
      maxRetries: context.maxRetries,
      metadata: context.metadata,
      podId: context.podId,
      idempotencyKey: context.idempotencyKey,
      get signal() {
        return (signal ??= AbortSignal.any([context.signal, closing]));
      },
      get log() {
        return context.log;
      },
      release: (options) => context.release(options),
      submit: waiting(submitting.submit) as StepContext['submit'],
      submitMany: waiting(submitting.submitMany) as StepContext['submitMany'],
    };
  }
}
