/**
 * Says how steps stand, for the errors of waits that have timed out.
 *
 * Invariants: steps that are asked about in one turn share one question. It answers within a bound, or with nothing.
 */
import type { Runtime } from '../runtime/runtime.js';
import { withTimeout } from '../runtime/with-timeout.js';
import type { PodView, StepRecord, Store } from '../store/contract.js';

export interface TimeoutDetailsParts {
  readonly store: Pick<Store, 'find' | 'fleet'>;
  readonly runtime: Runtime;
  /** Aborts when the store is to be closed. */
  readonly ended: AbortSignal;
  /** The types that the live ones of these pods handle; `undefined`: it is not known. */
  readonly handledBy: (runtime: Runtime, pods: readonly PodView[]) => Promise<ReadonlySet<unknown> | undefined>;
}

/** How a step stands. */
export interface StepDetails {
  readonly step: StepRecord;
  /** What a message says of it, such as `it is claimed by pod "a"`. */
  readonly text: string;
}

type Answers = ReadonlyMap<string, StepDetails>;

const WITHIN_MS = 1_000;
/** Most steps in one question; of the others nothing is said. */
const MOST = 1_000;
const NONE: Answers = new Map();

export class TimeoutDetails {
  readonly #parts: TimeoutDetailsParts;
  #asked: string[] = [];
  #answers: Promise<Answers> | undefined;

  constructor(parts: TimeoutDetailsParts) {
    this.#parts = parts;
  }

  /** Never rejects; `undefined`: the store knows no such step, or has not answered in time. */
  async step(stepId: string): Promise<StepDetails | undefined> {
    this.#asked.push(stepId);
    return (await (this.#answers ??= this.#ask())).get(stepId);
  }

  async #ask(): Promise<Answers> {
    const { runtime, ended } = this.#parts;
    await runtime.yield();
    const ids = this.#asked.slice(0, MOST);
    this.#asked = [];
    this.#answers = undefined;
    return withTimeout(runtime, () => this.#look(ids), { timeoutMs: WITHIN_MS, signal: ended }).catch(() => NONE);
  }

  async #look(ids: readonly string[]): Promise<Answers> {
    const { store, runtime, handledBy } = this.#parts;
    const steps = await store.find(ids);
    const waits = steps.some(({ status }) => status === 'pending');
    const handled = waits ? await handledBy(runtime, await store.fleet()) : undefined;
    return new Map(steps.map((step) => [step.stepId, { step, text: this.#text(step, handled) }]));
  }

  #text({ status, type, runAt, claimedBy }: StepRecord, handled: ReadonlySet<unknown> | undefined): string {
    if (status === 'claimed') return `it is claimed by pod ${JSON.stringify(claimedBy)}`;
    if (status !== 'pending') return `it is ${status}`;
    if (handled?.has(type) === false)
      return `it is pending, and no live pod is known to handle the type ${JSON.stringify(type)}`;
    const inMs = runAt - this.#parts.runtime.wallMs();
    return inMs > 0 ? `it is pending, due in ${inMs} ms` : 'it is pending, and due';
  }
}
