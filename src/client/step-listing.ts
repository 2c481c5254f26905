/** Listings of steps, page by page or one by one. */
import { nearest, show, ValidationError } from '../errors.js';
import {
  checkFields,
  expecting,
  instant,
  integer,
  name,
  oneOfWords,
  type FieldCheck,
  type FieldChecks,
} from '../input/field-checks.js';
import { isStepStatus, STEP_STATUSES, type StepStatus } from '../step/step.js';

/** Which steps `listSteps` yields. A step has to match all conditions. */
export interface StepFilter {
  /** Any of these. Default: all. */
  readonly status?: StepStatus | readonly StepStatus[];
  /** Any of these. Default: all. */
  readonly type?: string | readonly string[];
  /** The `podId` of the pod that holds the step, or held it last. */
  readonly claimedBy?: string;
  /** Only steps that were created at this instant or later. A Date, or epoch ms. */
  readonly createdAfter?: Date | number;
  /** Only steps that were created before this instant. A Date, or epoch ms. With `createdAfter` it must not be the earlier one. */
  readonly createdBefore?: Date | number;
  /** By creation. Default `'oldest'` first. */
  readonly order?: 'oldest' | 'newest';
  /**
   * `next` of an earlier page of a listing with the same `status`, `type`, `claimedBy` and `order`: the listing continues after it. The
   * cursor stays valid if its step is removed. A step that is submitted or removed between two pages may be listed or not;
   * every other step is listed once.
   */
  readonly after?: string;
  /** Steps in one page; 1 to 1,000. Default 100. */
  readonly pageSize?: number;
}

/** One page of a listing. */
export interface StepPage<T> {
  readonly steps: readonly T[];
  /** Pass it as `after` to get the next page; `null` if this is the last one. */
  readonly next: string | null;
}

/**
 * A listing: iterate over it to get every step, or call `page`. It queries the store only while it is read.
 *
 * @throws StoreError; StoppedError if the queue has been stopped
 */
export interface StepListing<T> extends AsyncIterable<T> {
  /** Reads the page after the cursor `after`; by default the first page, or the one after the filter's own `after`. */
  page(after?: string): Promise<StepPage<T>>;
}

const oneOrMany = (check: (value: unknown) => boolean, expected: string) =>
  expecting(expected, (value) => (Array.isArray(value) ? value.length > 0 && value.every(check) : check(value)));

/** Shows the one that is wrong, and suggests the nearest. */
const statuses: FieldCheck = (value, field, code) => {
  const given: readonly unknown[] = Array.isArray(value) && value.length > 0 ? value : [value];
  const wrong = given.filter((each) => !isStepStatus(each));
  if (wrong.length === 0) return;
  const near = typeof wrong[0] === 'string' ? nearest(wrong[0], STEP_STATUSES) : undefined;
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  const problem = `expected one or more of ${STEP_STATUSES.join(', ')}, got ${show(wrong[0])}${hint}`;
  throw new ValidationError(code, field, problem);
};

const FILTER: FieldChecks = {
  status: statuses,
  type: oneOrMany((value) => typeof value === 'string', 'a step type, or an array of them'),
  claimedBy: name(255),
  createdAfter: instant,
  createdBefore: instant,
  order: oneOfWords('oldest', 'newest'),
  after: expecting('a cursor', (value) => typeof value === 'string'),
  pageSize: integer(1, 1_000),
};

/** @throws ValidationError `OPTION_INVALID` */
export function checkFilter(filter: StepFilter): void {
  checkFields(filter, FILTER, 'OPTION_INVALID', 'filter');
  const { createdAfter = -Infinity, createdBefore = Infinity } = filter;
  if (Number(createdAfter) <= Number(createdBefore)) return;
  const problem = `expected an instant that is not before createdAfter, got ${show(createdBefore)}`;
  throw new ValidationError('OPTION_INVALID', 'filter.createdBefore', problem);
}

/** A listing of these pages. */
export function listingOf<T>(page: (after?: string) => Promise<StepPage<T>>): StepListing<T> {
  return { page, [Symbol.asyncIterator]: () => iterate(page) };
}

/** A listing of a store that is opened when the listing is first read. If that fails, a later read tries again. */
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

async function* iterate<T>(page: (after?: string) => Promise<StepPage<T>>): AsyncGenerator<T> {
  let { steps, next } = await page();
  yield* steps;
  while (next !== null) {
    ({ steps, next } = await page(next));
    yield* steps;
  }
}
