/** Reads steps: one by its id, or a listing. */
import { StepNotFoundError } from '../errors.js';
import type { QueueContext } from '../runtime/async-context.js';
import type { Runtime } from '../runtime/runtime.js';
import { mapInSlices } from '../runtime/time-slices.js';
import { checkStepId } from '../input/field-checks.js';
import { readStep } from '../step/read-step.js';
import type { Step } from '../step/step.js';
import type { StepRecord, Store } from '../store/contract.js';
import { decodeCursor, encodeCursor } from './list-cursor.js';
import { SecondRead } from './second-read.js';
import { listingOf, type StepFilter, type StepListing } from './step-listing.js';
import { unlessClosing } from './unless-closing.js';

export interface StepQueriesDependencies {
  readonly store: Pick<Store, 'find' | 'list' | 'staleReadMs'>;
  readonly runtime: Runtime;
  readonly context: QueueContext;
  /** Aborts before the store is closed. */
  readonly closing: AbortSignal;
}

export class StepQueries {
  readonly #deps: StepQueriesDependencies;

  constructor(deps: StepQueriesDependencies) {
    this.#deps = deps;
  }

  /** Runs a query of the store, unless the store is about to be closed. @throws StoppedError */
  read<T>(method: string, query: () => Promise<T>): Promise<T> {
    return unlessClosing(this.#deps.closing, method, query);
  }

  /** @throws StepNotFoundError; if reads may be late, only after a second read */
  async get(stepId: string): Promise<Step> {
    checkStepId(stepId);
    const { store, runtime, context, closing } = this.#deps;
    const reads = new SecondRead({ runtime, context, closing, staleReadMs: store.staleReadMs });
    let record: StepRecord | undefined;
    do [record] = await this.read('getStep', () => store.find([stepId]));
    while (record === undefined && (await reads.again()));
    if (record === undefined) throw new StepNotFoundError(stepId);
    return readStep(record);
  }

  /** @param filter has been checked by `checkFilter` */
  list(filter: StepFilter): StepListing<Step> {
    const { status, type, claimedBy, createdAfter, createdBefore, order = 'oldest', pageSize = 100 } = filter;
    const { store, runtime } = this.#deps;
    const listing = {
      ...(status === undefined ? {} : { statuses: [status].flat() }),
      ...(type === undefined ? {} : { types: [type].flat() }),
      ...(claimedBy === undefined ? {} : { claimedBy }),
      order,
    };
    // A range such as "the last hour" moves between two pages, so a cursor does not name it.
    const conditions = {
      ...listing,
      ...(createdAfter === undefined ? {} : { createdFrom: wholeMs(createdAfter) }),
      ...(createdBefore === undefined ? {} : { createdBefore: wholeMs(createdBefore) }),
    };
    return listingOf(async (after = filter.after) => {
      const from = after === undefined ? {} : { after: decodeCursor(after, listing) };
      const query = { ...conditions, ...from, limit: pageSize };
      const { steps, next } = await this.read('listSteps', () => store.list(query));
      return {
        steps: await mapInSlices(runtime, steps, (record) => readStep(record)),
        next: next === null ? null : encodeCursor(next, listing),
      };
    });
  }
}

/** Instants of creation are whole ms, so the next whole ms bounds the same steps. */
function wholeMs(instant: Date | number): number {
  return Math.ceil(Number(instant));
}
