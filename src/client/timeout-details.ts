/**
 * Describes the state of steps, for the errors of waits that have timed out.
 *
 * Invariants:
 * - Steps whose waits time out in one turn of the event loop share one query.
 * - It answers within a second, or without a description.
 */
import type { Runtime } from '../runtime/runtime.js';
import { withTimeout } from '../runtime/with-timeout.js';
import type { PodView, StepRecord, Store } from '../store/contract.js';

export interface TimeoutDetailsDependencies {
  readonly store: Pick<Store, 'find' | 'fleet'>;
  readonly runtime: Runtime;
  /** Aborts before the store is closed. */
  readonly closing: AbortSignal;
  /** The step types that the live ones of these pods handle; `undefined` if unknown. */
  readonly handledBy: (runtime: Runtime, pods: readonly PodView[]) => Promise<ReadonlySet<unknown> | undefined>;
}

/** A step whose wait has timed out. */
export interface StepDetails {
  readonly step: StepRecord;
  /** Completes the error message, such as `it is claimed by pod "a"`. */
  readonly text: string;
}

type DetailsById = ReadonlyMap<string, StepDetails>;

const TIMEOUT_MS = 1_000;
/** The most steps in one query; the others are not described. */
const MAX_STEPS = 1_000;
const NONE: DetailsById = new Map();

export class TimeoutDetails {
  readonly #deps: TimeoutDetailsDependencies;
  /** The ids of the next query. */
  #ids: string[] = [];
  #reply: Promise<DetailsById> | undefined;

  constructor(deps: TimeoutDetailsDependencies) {
    this.#deps = deps;
  }

  /** Never rejects. `undefined`: there is no such step, or the store did not answer in time. */
  async step(stepId: string): Promise<StepDetails | undefined> {
    this.#ids.push(stepId);
    return (await (this.#reply ??= this.#query())).get(stepId);
  }

  async #query(): Promise<DetailsById> {
    const { runtime, closing } = this.#deps;
    await runtime.yield();
    const ids = this.#ids.slice(0, MAX_STEPS);
    this.#ids = [];
    this.#reply = undefined;
    const options = { timeoutMs: TIMEOUT_MS, signal: closing };
    return withTimeout(runtime, () => this.#describe(ids), options).catch(() => NONE);
  }

  async #describe(ids: readonly string[]): Promise<DetailsById> {
    const { store, runtime, handledBy } = this.#deps;
    const steps = await store.find(ids);
    const anyPending = steps.some(({ status }) => status === 'pending');
    const handled = anyPending ? await handledBy(runtime, await store.fleet()) : undefined;
    return new Map(steps.map((step) => [step.stepId, { step, text: this.#text(step, handled) }]));
  }

  #text({ status, type, runAt, claimedBy }: StepRecord, handled: ReadonlySet<unknown> | undefined): string {
    if (status === 'claimed') return `it is claimed by pod ${JSON.stringify(claimedBy)}`;
    if (status !== 'pending') return `it is ${status}`;
    if (handled?.has(type) === false)
      return `it is pending, and no pod is known to handle the type ${JSON.stringify(type)}`;
    const inMs = runAt - this.#deps.runtime.wallMs();
    return inMs > 0 ? `it is pending, due in ${inMs} ms` : 'it is pending, and due';
  }
}
