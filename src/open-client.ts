/**
 * Opens a store and builds over it what a process needs that only submits: submitting, waiting, queries and commands.
 *
 * Invariants:
 * - If opening fails, nothing is left open.
 * - On close, submissions get two seconds to finish. Then no new call reaches the store, waits are rejected, and the store
 *   is closed.
 */
import { StepCommands } from './client/step-commands.js';
import { StepQueries } from './client/step-queries.js';
import type { StoreAnswers } from './store/store-answers.js';
import { Submitter } from './client/submitter.js';
import { TimeoutDetails } from './client/timeout-details.js';
import { Waiter } from './client/waiter.js';
import type { Events } from './events.js';
import { createLog } from './log.js';
import { completeOptions, type ResolvedOptions, type Settings } from './options.js';
import type { QueueContext } from './runtime/async-context.js';
import { withTimeout } from './runtime/with-timeout.js';
import { handledTypes } from './stats.js';
import type { StepRegistry } from './step/step-registry.js';
import type { Store, StoreFactory } from './store/contract.js';
import { storeInContext } from './store/store-in-context.js';
import { OutageTracker } from './store/outage-tracker.js';
import { trackedStore } from './store/tracked-store.js';

/** How long closing waits for submissions, in ms. */
const FINISH_MS = 2_000;

/** How the pool is notified, if there is one. */
export interface ClientHooks {
  /** A step may be due. */
  readonly onWork: () => void;
  /** @param version of the cancelled row */
  readonly onCancelled: (stepId: string, version: number) => void;
}

export interface OpenClient {
  readonly store: Store;
  /** Which of the store's repeated operations fail now. */
  readonly outages: OutageTracker;
  readonly settings: Settings;
  readonly submitter: Submitter;
  readonly waiter: Waiter;
  readonly queries: StepQueries;
  readonly commands: StepCommands;
  close(): Promise<void>;
}

/** A store that is not open, whose calls run in the queue's own async context. */
export async function makeStore(
  factory: StoreFactory,
  { runtime, logger, podId }: ResolvedOptions,
  context: QueueContext,
): Promise<Store> {
  return storeInContext(await factory.create({ runtime, log: createLog('store', logger, { podId }) }), context);
}

/** @throws StoreError; ValidationError `OPTION_INVALID` if the options contradict the defaults of the store */
export async function openClient(
  factory: StoreFactory,
  options: ResolvedOptions,
  registry: StepRegistry,
  events: Events,
  context: QueueContext,
  answers: StoreAnswers,
  hooks: ClientHooks,
): Promise<OpenClient> {
  const { runtime, logger } = options;
  const { podId } = options;
  const log = createLog('store', logger, { podId });
  const clientLog = createLog('client', logger, { podId });
  const made = await makeStore(factory, options, context);
  const outages = new OutageTracker(runtime, events, log);
  const store = trackedStore(made, outages, answers);
  try {
    const settings = completeOptions(options, store.rhythm);
    await store.open();
    const { submitBatch, waitIntervalMs } = store.rhythm;
    const { onWork, onCancelled } = hooks;
    const controller = new AbortController();
    const closing = controller.signal;
    const submitter = new Submitter({
      store,
      submitBatch,
      runtime,
      events,
      context,
      log: clientLog,
      settings,
      registry,
      closing,
      onCommitted: onWork,
    });
    const timeoutDetails = new TimeoutDetails({ store, runtime, closing, handledBy: handledTypes });
    const waiter = new Waiter({ store, runtime, events, context, timeoutDetails, waitIntervalMs });
    return {
      store,
      outages,
      settings,
      submitter,
      waiter,
      queries: new StepQueries({ store, runtime, context, closing }),
      commands: new StepCommands({
        ...{ store, runtime, events, log: clientLog, context, closing, onCancelled },
        onRetried: onWork,
      }),
      close: async () => {
        await withTimeout(runtime, () => submitter.finish(), { timeoutMs: FINISH_MS }).catch(() => undefined);
        controller.abort();
        await waiter.stop();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
