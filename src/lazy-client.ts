/**
 * Opens the store of a queue when it is first needed, and reports whether it answers as long as the queue is a client.
 *
 * Invariants:
 * - Calls at the same time share one attempt. If it fails, nothing is left open, and a later call may try again.
 */
import { OPEN, StoreAnswers } from './store/store-answers.js';
import type { Events } from './events.js';
import type { Phase } from './fleet/health.js';
import { makeStore, openClient, type OpenClient } from './open-client.js';
import type { ResolvedOptions } from './options.js';
import type { Pod } from './pod.js';
import type { QueueContext } from './runtime/async-context.js';
import type { StepRegistry } from './step/step-registry.js';
import type { Store, StoreFactory } from './store/contract.js';
import type { FailingOperation } from './store/outage-tracker.js';

export interface LazyClientDependencies {
  readonly factory: StoreFactory;
  readonly options: ResolvedOptions;
  readonly registry: StepRegistry;
  readonly events: Events;
  /** The store is made and opened in it. */
  readonly context: QueueContext;
  /** The pod of this process, if it has one. */
  readonly pod: () => Pod | undefined;
}

export class LazyClient {
  readonly #deps: LazyClientDependencies;
  readonly #answers: StoreAnswers;
  #client: Promise<OpenClient> | undefined;
  #opened: OpenClient | undefined;

  constructor(deps: LazyClientDependencies) {
    this.#deps = deps;
    this.#answers = new StoreAnswers(deps.options.runtime, deps.context, async () => (await this.open()).store.pulse());
  }

  /** The attempt that is open, or has succeeded. */
  get attempt(): Promise<OpenClient> | undefined {
    return this.#client;
  }

  /** The client, once it is open. */
  get opened(): OpenClient | undefined {
    return this.#opened;
  }

  /** The phase of a queue that was never started. */
  get phase(): Phase {
    const { state, failing } = this.#answers;
    if (failing !== undefined || state === 'answered') return 'client';
    return state === 'asked' ? 'connecting' : 'not-started';
  }

  /** The last call of a client, if it failed. */
  get outage(): FailingOperation | undefined {
    return this.#answers.failing;
  }

  open(): Promise<OpenClient> {
    return (this.#client ??= this.#deps.context.run(() => this.#open()));
  }

  /** A store of the same kind, which is not open. */
  makeStore(): Promise<Store> {
    const { context, factory, options } = this.#deps;
    return context.run(() => makeStore(factory, options, context));
  }

  /** The queue becomes a pod, or is stopped: whether the store answers is not watched any more. */
  endWatch(): void {
    this.#answers.stop();
  }

  async #open(): Promise<OpenClient> {
    const { factory, options, registry, events, context, pod } = this.#deps;
    const hooks = {
      onWork: () => pod()?.pool.wake(),
      onCancelled: (stepId: string, version: number) => context.run(() => pod()?.pool.abort(stepId, version)),
    };
    this.#answers.asked();
    try {
      this.#opened = await openClient(factory, options, registry, events, context, this.#answers, hooks);
      this.#answers.answered();
      return this.#opened;
    } catch (error) {
      this.#client = undefined;
      this.#answers.failed(OPEN, error);
      throw error;
    }
  }
}
