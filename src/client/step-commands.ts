/**
 * Cancels and retries steps.
 *
 * Invariants:
 * - A command is guarded by the version that it read, so an unanswered command is simply repeated.
 * - Waiters and the pool of this process are notified at once.
 */
import { EVENT_LINES, logEvent, type Events } from '../events.js';
import type { Log } from '../log.js';
import type { QueueContext } from '../runtime/async-context.js';
import type { Runtime } from '../runtime/runtime.js';
import { checkStepId } from '../input/field-checks.js';
import { isTerminal } from '../step/step.js';
import type { StepRecord, Store } from '../store/contract.js';
import { changeAtVersion } from './change-at-version.js';
import { repeatUnanswered } from './repeat-unanswered.js';
import type { SecondReadDependencies } from './second-read.js';
import { unlessClosing } from './unless-closing.js';

/** The result of `cancel`. */
export type CancelResult = 'cancelled' | 'alreadyTerminal' | 'notFound';
/** The result of `retry`. `notRetryable`: the step has neither failed nor been cancelled. */
export type RetryResult = 'retried' | 'notRetryable' | 'notFound';

export interface StepCommandsDependencies {
  readonly store: Pick<Store, 'find' | 'cancel' | 'retry' | 'staleReadMs'>;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly log: Log;
  readonly context: QueueContext;
  /** Aborts before the store is closed. */
  readonly closing: AbortSignal;
  /** Called with each cancelled step and the version of its row, so that a handler of this process is aborted at once. */
  readonly onCancelled: (stepId: string, version: number) => void;
  /** Called when a step may be due. */
  readonly onRetried: () => void;
}

export class StepCommands {
  readonly #deps: StepCommandsDependencies;

  constructor(deps: StepCommandsDependencies) {
    this.#deps = deps;
  }

  /**
   * Makes a pending or claimed step terminal at once.
   *
   * @throws StoreError `STORE_BUSY` if the step keeps changing between the read and the write
   */
  async cancel(stepId: string): Promise<CancelResult> {
    checkStepId(stepId);
    const token = this.#deps.runtime.uuid();
    return changeAtVersion<CancelResult>(stepId, this.#secondRead, {
      done: 'cancelled',
      find: () => this.#find('cancel', stepId),
      unchanged: (record) => (record === undefined ? 'notFound' : 'alreadyTerminal'),
      attempt: async (record, tried) => {
        if (record.status === 'completed') return 'alreadyTerminal'; // permanently
        // Once a write was sent, that write may have cancelled the step.
        if (isTerminal(record.status) && !(record.status === 'cancelled' && tried !== undefined)) return 'nothing';
        const [receipt = 'notFound'] = await this.#write('cancel', (store) =>
          store.cancel(token, [{ stepId, version: record.version }]),
        );
        if (receipt === 'cancelled') this.#cancelled(record);
        return receipt === 'notFound' ? 'changed' : receipt;
      },
    });
  }

  /**
   * Makes a failed or cancelled step pending again, due now, with fresh counts. If the step has failed again since it was
   * read, it is retried at its new version.
   *
   * @throws StoreError `STORE_BUSY` if the store does not show the state of the step in time
   */
  async retry(stepId: string): Promise<RetryResult> {
    checkStepId(stepId);
    const result = await changeAtVersion<RetryResult>(stepId, this.#secondRead, {
      done: 'retried',
      find: () => this.#find('retry', stepId),
      unchanged: (record) => (record === undefined ? 'notFound' : 'notRetryable'),
      attempt: async (record, tried) => {
        if (record.status !== 'failed' && record.status !== 'cancelled') {
          if (tried !== undefined && record.version > tried) return 'retried'; // nothing else leads on from there
          return record.status === 'completed' ? 'notRetryable' : 'nothing'; // a completed step stays completed
        }
        const [receipt = 'notFound'] = await this.#write('retry', (store) =>
          store.retry([{ stepId, version: record.version }]),
        );
        return receipt === 'notFound' ? 'changed' : receipt;
      },
    });
    if (result === 'retried') this.#deps.onRetried();
    return result;
  }

  get #secondRead(): SecondReadDependencies {
    const { runtime, context, closing, store } = this.#deps;
    return { runtime, context, closing, staleReadMs: store.staleReadMs };
  }

  async #find(method: string, stepId: string): Promise<StepRecord | undefined> {
    const { closing, store } = this.#deps;
    const [record] = await unlessClosing(closing, method, () => store.find([stepId]));
    return record;
  }

  #write<T>(method: string, call: (store: StepCommandsDependencies['store']) => Promise<T>): Promise<T> {
    const { runtime, closing, store, context } = this.#deps;
    return unlessClosing(closing, method, () =>
      context.run(() => repeatUnanswered(runtime, closing, () => call(store))),
    );
  }

  /** @param read the row as it was read: the cancellation has made the next version of it */
  #cancelled({ stepId, type, version: read }: StepRecord): void {
    logEvent(this.#deps.log, EVENT_LINES.stepCancelled, { stepId, type });
    this.#deps.events.emit('step:cancelled', { stepId, type, by: 'caller', latencyMs: 0 });
    this.#deps.events.ended(stepId);
    this.#deps.onCancelled(stepId, read + 1);
  }
}
