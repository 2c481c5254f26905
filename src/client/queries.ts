/** What a process may ask about steps, and do to them by hand. */
import { StepNotFoundError, StoppedError } from '../errors.js';
import type { Events } from '../events.js';
import type { QueueContext } from '../runtime/async-context.js';
import type { Runtime } from '../runtime/runtime.js';
import { mapInSlices } from '../runtime/time-slices.js';
import {
  checkFields,
  checkStepId,
  integer,
  name,
  expecting,
  oneOfWords,
  type FieldChecks,
} from '../step/field-checks.js';
import { readStep } from '../step/step-row.js';
import { isStepStatus, isTerminal, STEP_STATUSES, type Step, type StepStatus } from '../step/step.js';
import type { StepRecord, Store } from '../store/contract.js';
import { changeStep } from './change-step.js';
import { repeatUnanswered } from './repeat-unanswered.js';
import { SecondRead, type SecondReadParts } from './second-read.js';

/** Which steps `listSteps` yields. All conditions hold together. */
export interface StepFilter {
  readonly status?: StepStatus | readonly StepStatus[];
  readonly type?: string | readonly string[];
  /** The `podId` of the holder. */
  readonly claimedBy?: string;
  /** By creation. Default `'oldest'` first. */
  readonly order?: 'oldest' | 'newest';
  /**
   * Begins after the page that ended with this cursor, also where its step has been removed since. Steps that are
   * submitted or removed between two pages may be listed or not; all others are listed once.
   */
  readonly after?: string;
  /** Steps a page; 1 to 1,000. Default 100. */
  readonly pageSize?: number;
}

/** One page of a listing. */
export interface StepPage<T> {
  readonly steps: readonly T[];
  /** Pass it as `after` for the next page; `null`: this was the last. */
  readonly next: string | null;
}

/** A listing: loop over it for all steps, or ask for its pages one by one. It asks the store only as it is read. */
export interface StepListing<T> extends AsyncIterable<T> {
  /** The page that begins at `after`, or at the filter's own. */
  page(after?: string): Promise<StepPage<T>>;
}

/** What `cancel` did. */
export type CancelResult = 'cancelled' | 'alreadyTerminal' | 'notFound';
/** What `retry` did. `notRetryable`: the step has neither failed nor been cancelled. */
export type RetryResult = 'retried' | 'notRetryable' | 'notFound';

export interface QueriesParts {
  readonly store: Pick<Store, 'find' | 'list' | 'cancel' | 'retry' | 'staleReadMs'>;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly context: QueueContext;
  /** Aborts when the store is to be closed. */
  readonly ended: AbortSignal;
  /** Called with what was cancelled, so that a handler of this process hears at once. */
  readonly onCancelled: (stepId: string) => void;
  /** Called when there may be work. */
  readonly onRetried: () => void;
}

const oneOrMany = (check: (value: unknown) => boolean, expected: string) =>
  expecting(expected, (value) => (Array.isArray(value) ? value.length > 0 && value.every(check) : check(value)));

const FILTER: FieldChecks = {
  status: oneOrMany(isStepStatus, `one or more of ${STEP_STATUSES.join(', ')}`),
  type: oneOrMany((value) => typeof value === 'string', 'a step type, or an array of them'),
  claimedBy: name(255),
  order: oneOfWords('oldest', 'newest'),
  after: expecting('a cursor', (value) => typeof value === 'string'),
  pageSize: integer(1, 1_000),
};

export class Queries {
  readonly #parts: QueriesParts;

  constructor(parts: QueriesParts) {
    this.#parts = parts;
  }

  /** Runs a call to the store, unless that is to be closed. @param what the caller's call, for the error */
  read<T>(what: string, call: () => Promise<T>): Promise<T> {
    return this.#parts.ended.aborted ? Promise.reject(new StoppedError(what)) : call();
  }

  /** @throws StepNotFoundError, on a store with late reads only after a second look */
  async get(stepId: string): Promise<Step> {
    checkStepId(stepId);
    const looks = new SecondRead(this.#lateness);
    let record: StepRecord | undefined;
    do record = await this.#find('getStep', stepId);
    while (record === undefined && (await looks.again()));
    if (record === undefined) throw new StepNotFoundError(stepId);
    return readStep(record);
  }

  /** @param filter checked already, see {@link checkFilter} */
  list(filter: StepFilter): StepListing<Step> {
    const { status, type, claimedBy, order = 'oldest', pageSize = 100 } = filter;
    const { store, runtime } = this.#parts;
    const page = async (after = filter.after): Promise<StepPage<Step>> => {
      const query = {
        ...(status === undefined ? {} : { statuses: [status].flat() }),
        ...(type === undefined ? {} : { types: [type].flat() }),
        ...(claimedBy === undefined ? {} : { claimedBy }),
        ...(after === undefined ? {} : { after }),
        order,
        limit: pageSize,
      };
      const { steps, next } = await this.read('listSteps', () => store.list(query));
      return { steps: await mapInSlices(runtime, steps, (record) => readStep(record)), next };
    };
    return { page, [Symbol.asyncIterator]: () => iterate(page) };
  }

  /**
   * Makes a pending or claimed step terminal at once. Guarded by the version that it reads, so a resend does nothing.
   *
   * @throws StoreError `STORE_BUSY` where the step keeps changing between the look and the write
   */
  async cancel(stepId: string): Promise<CancelResult> {
    checkStepId(stepId);
    const token = this.#parts.runtime.uuid();
    return changeStep<CancelResult>(stepId, this.#lateness, {
      done: 'cancelled',
      find: () => this.#find('cancel', stepId),
      refusal: (record) => (record === undefined ? 'notFound' : 'alreadyTerminal'),
      attempt: async (record, tried) => {
        if (record.status === 'completed') return 'alreadyTerminal'; // for good
        // Once a write has been sent, it may be ours that cancelled the step.
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
   * Makes a failed or cancelled step pending again, due now, with fresh counts. Guarded by the version that it reads; a
   * step that has failed once more since is retried at its new version.
   *
   * @throws StoreError `STORE_BUSY` where the store does not show how the step stands
   */
  async retry(stepId: string): Promise<RetryResult> {
    checkStepId(stepId);
    const result = await changeStep<RetryResult>(stepId, this.#lateness, {
      done: 'retried',
      find: () => this.#find('retry', stepId),
      refusal: (record) => (record === undefined ? 'notFound' : 'notRetryable'),
      attempt: async (record, tried) => {
        if (record.status !== 'failed' && record.status !== 'cancelled') {
          if (tried !== undefined && record.version > tried) return 'retried'; // the only way on from there
          return record.status === 'completed' ? 'notRetryable' : 'nothing'; // completed is for good
        }
        const [receipt = 'notFound'] = await this.#write('retry', (store) =>
          store.retry([{ stepId, version: record.version }]),
        );
        return receipt === 'notFound' ? 'changed' : receipt;
      },
    });
    if (result === 'retried') this.#parts.onRetried();
    return result;
  }

  get #lateness(): SecondReadParts {
    const { runtime, context, ended, store } = this.#parts;
    return { runtime, context, ended, staleReadMs: store.staleReadMs };
  }

  async #find(what: string, stepId: string): Promise<StepRecord | undefined> {
    const [record] = await this.read(what, () => this.#parts.store.find([stepId]));
    return record;
  }

  #write<T>(what: string, call: (store: QueriesParts['store']) => Promise<T>): Promise<T> {
    const { runtime, ended, store, context } = this.#parts;
    return this.read(what, () => context.run(() => repeatUnanswered(runtime, ended, () => call(store))));
  }

  #cancelled({ stepId, type }: StepRecord): void {
    this.#parts.events.emit('step:cancelled', { stepId, type, by: 'caller', latencyMs: 0 });
    this.#parts.events.ended(stepId);
    this.#parts.onCancelled(stepId);
  }
}

async function* iterate(page: (after?: string) => Promise<StepPage<Step>>): AsyncGenerator<Step> {
  let { steps, next } = await page();
  yield* steps;
  while (next !== null) {
    ({ steps, next } = await page(next));
    yield* steps;
  }
}

/** A listing of a store that is opened when the listing is first read. */
export function lazyListing<T>(open: () => Promise<StepListing<T>>): StepListing<T> {
  let opened: Promise<StepListing<T>> | undefined;
  const listing = (): Promise<StepListing<T>> =>
    (opened ??= open().catch((error: unknown) => {
      opened = undefined; // a later read may try again
      throw error;
    }));
  return {
    page: async (after) => (await listing()).page(after),
    async *[Symbol.asyncIterator]() {
      yield* await listing();
    },
  };
}

/** @throws ValidationError `OPTION_INVALID` */
export function checkFilter(filter: StepFilter): void {
  checkFields(filter, FILTER, 'OPTION_INVALID', 'filter');
}
