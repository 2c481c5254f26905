/** An open store, and over it what a process that only submits needs. */
import type { Events } from './events.js';
import { createLog } from './log.js';
import { completeOptions, type ResolvedOptions, type Settings } from './options.js';
import type { QueueContext } from './runtime/async-context.js';
import type { StepRegistry } from './step/registry.js';
import { withTimeout } from './runtime/with-timeout.js';
import { inContext } from './store/in-context.js';
import { handledTypes } from './stats.js';
import { OutageTracker } from './store/outage-tracker.js';
import { trackedStore } from './store/tracked-store.js';
import type { Store, StoreFactory } from './store/contract.js';
import { Queries } from './client/queries.js';
import { Submitter } from './client/submitter.js';
import { Waiter } from './client/waiter.js';

/** How long closing waits for submissions under way, in ms. */
const FINISH_MS = 2_000;

/** What the pool, where there is one, wants to hear. */
export interface Hooks {
  readonly onWork: () => void;
  readonly onCancelled: (stepId: string) => void;
}

export interface OpenClient {
  readonly store: Store;
  /** Which of the store's repeated operations fail now. */
  readonly outages: OutageTracker;
  readonly settings: Settings;
  readonly submitter: Submitter;
  readonly waiter: Waiter;
  readonly queries: Queries;
  /** Waits for submissions under way, ends what waits, then closes the store. */
  close(): Promise<void>;
}

/** Opens the store and builds the client's services over it; where that fails, nothing is left open. */
export async function openClient(
  factory: StoreFactory,
  options: ResolvedOptions,
  registry: StepRegistry,
  events: Events,
  context: QueueContext,
  hooks: Hooks,
): Promise<OpenClient> {
  const { runtime, logger } = options;
  const log = createLog('store', logger);
  const made = inContext(await factory.create({ runtime, log }), context);
  const outages = new OutageTracker(runtime, events, log);
  const store = trackedStore(made, outages);
  try {
    const settings = completeOptions(options, store.rhythm);
    await store.open();
    const { submitBatch, waitIntervalMs } = store.rhythm;
    const ending = new AbortController();
    const shared = { store, runtime, events, context, settings, registry, ended: ending.signal };
    const waiter = new Waiter({ ...shared, waitIntervalMs, handledBy: handledTypes });
    const clientLog = createLog('client', logger);
    const submitter = new Submitter({ ...shared, submitBatch, log: clientLog, onCommitted: hooks.onWork });
    return {
      store,
      outages,
      settings,
      submitter,
      waiter,
      queries: new Queries({ ...shared, onRetried: hooks.onWork, onCancelled: hooks.onCancelled }),
      close: async () => {
        await withTimeout(runtime, () => submitter.finish(), { timeoutMs: FINISH_MS }).catch(() => undefined);
        ending.abort();
        await waiter.stop();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
