/**
 * All calls of handlers in a test fleet: records them, and lets pods die during them.
 *
 * Invariants:
 * - Each call runs in an async context that names it, so that what it asks of the fleet is known to come from it.
 * - A call whose pod died neither returns nor throws: its outcome reaches nobody.
 * - Above the limit of one movement of time, calls are held back until the next.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { isThenable } from '../input/thenable.js';
import { checkDefinition, type RegisteredStep } from '../step/definition.js';
import type { StepContext } from '../step/handler-context.js';
import type { AnyDefinition } from '../step/type-map.js';
import { HandlerRun, never, type RunBegun, type RunPod } from './handler-run.js';

/** When a pod is to die. */
export interface CrashRule {
  readonly type: string;
  readonly at: 'start' | 'end';
  readonly restart: boolean;
  /** How many more times. */
  times: number;
}

export interface HandlerRunsDependencies {
  /** Epoch ms by the fleet's clock. */
  readonly now: () => number;
  /** Aborts when the fleet is stopped. */
  readonly closing: AbortSignal;
  /** The time-out of types that have none of their own. */
  readonly timeoutMs: number | undefined;
}

export class HandlerRuns {
  readonly #deps: HandlerRunsDependencies;
  /** The last call for each step. */
  readonly #last = new Map<string, HandlerRun>();
  readonly #current = new AsyncLocalStorage<HandlerRun>();
  readonly #all: HandlerRun[] = [];
  readonly #running = new Set<HandlerRun>();
  readonly #rules: CrashRule[] = [];
  readonly #held: (() => void)[] = [];
  #budget = Infinity;
  #onActivity: (() => void) | undefined;

  constructor(deps: HandlerRunsDependencies) {
    this.#deps = deps;
  }

  /** Every call so far, in the order in which they began. */
  get all(): readonly HandlerRun[] {
    return this.#all;
  }

  get running(): ReadonlySet<HandlerRun> {
    return this.#running;
  }

  /** The call that runs this code. */
  get current(): HandlerRun | undefined {
    return this.#current.getStore();
  }

  /** How much time was skipped during the last call for this step, in ms. */
  skippedDuring(stepId: string): number {
    return this.#last.get(stepId)?.skippedMs ?? 0;
  }

  /** Whether calls are held back. */
  get exhausted(): boolean {
    return this.#held.length > 0;
  }

  /** From now on this many calls may begin. Calls that were held back begin. */
  grant(budget: number): void {
    this.#budget = budget;
    const held = this.#held.splice(0);
    for (const begin of held) begin();
  }

  /** Calls back once, at the next begin or end of a call. */
  onActivity(callback: () => void): void {
    this.#onActivity = callback;
  }

  crashDuring(rule: CrashRule): void {
    this.#rules.push(rule);
  }

  /** The pod has died: its calls go no further. */
  died(pod: RunPod): void {
    for (const run of [...this.#running]) if (run.pod === pod && run.die()) this.#running.delete(run);
    this.#active();
  }

  /** The definition, with a handler that is recorded. */
  recorded(definition: AnyDefinition, pod: RunPod): AnyDefinition {
    const { type, schema, run, ...options } = checkDefinition(definition);
    const { timeoutMs = this.#deps.timeoutMs ?? null } = options;
    const timed = timeoutMs !== null;
    const recorded = (args: unknown, context: StepContext): unknown => this.#call(run, { pod, args, context, timed });
    return { ...options, type, ...(schema && { args: schema }), run: recorded } as AnyDefinition;
  }

  #call(handler: RegisteredStep['run'], begun: Omit<RunBegun, 'startedAt'>): unknown {
    if (--this.#budget < 0)
      return new Promise<void>((begin) => this.#held.push(begin)).then(() => this.#call(handler, begun));
    const run = new HandlerRun({ ...begun, startedAt: this.#deps.now() });
    this.#all.push(run);
    this.#last.set(run.stepId, run);
    this.#running.add(run);
    this.#active();
    if (this.#crashes(run, 'start')) return never();
    try {
      const returned = this.#current.run(run, () => handler(run.args, run.context(this.#deps.closing)));
      return isThenable(returned) ? this.#follow(run, returned) : this.#ended(run, 'returned') ? returned : never();
    } catch (error) {
      if (!this.#ended(run, 'threw')) return never();
      throw error;
    }
  }

  async #follow(run: HandlerRun, returned: PromiseLike<unknown>): Promise<unknown> {
    try {
      const value = await returned;
      return this.#ended(run, 'returned') ? value : await never();
    } catch (error) {
      if (!this.#ended(run, 'threw')) await never();
      throw error;
    }
  }

  /** @returns whether its pod lives to hear of it */
  #ended(run: HandlerRun, how: 'returned' | 'threw'): boolean {
    if (run.pod.isDead) return false;
    if (this.#crashes(run, 'end')) return false;
    run.end(how);
    this.#running.delete(run);
    this.#active();
    return true;
  }

  /** Lets the pod die if a rule says so. */
  #crashes(run: HandlerRun, at: CrashRule['at']): boolean {
    const rule = this.#rules.find((each) => each.type === run.type && each.at === at && each.times > 0);
    if (rule === undefined) return false;
    rule.times--;
    run.pod.die(rule.restart);
    return true;
  }

  #active(): void {
    const callback = this.#onActivity;
    this.#onActivity = undefined;
    callback?.();
  }
}
