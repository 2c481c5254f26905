/**
 * The SQLite store: the contract on top of the core.
 *
 * Law: what goes through at once is done before the call returns to its caller; what is BUSY is tried again without
 * holding up the event loop. No call keeps the loop for more than a few ms: what is long is done in pieces, or by the
 * helper. Once `close` is called nothing new begins, and what is under way comes to its end.
 */
import { ValidationError, show } from '../../errors.js';
import { retrying } from '../retrying.js';
import type {
  CancelReceipt,
  ExchangeReply,
  ExchangeRequest,
  FleetView,
  Heartbeat,
  ListFilter,
  ListPage,
  Orphan,
  PodRef,
  PodRegistration,
  PodView,
  PruneReply,
  Receipt,
  RetryReceipt,
  Rhythm,
  Settlement,
  StepAt,
  StepRecord,
  Store,
  StoreEnvironment,
  StoreStats,
  SubmitReceipt,
} from '../contract.js';
import type { NewStep } from '../../step/submission.js';
import { isBusy, storeClosed, storeError } from './faults.js';
import type { ResolvedOptions } from './options.js';
import { Pace } from './pace.js';
import { openSession, type Session } from './session.js';
import { Watch } from './watch.js';

const RHYTHM: Rhythm = Object.freeze({
  heartbeatIntervalMs: 2_000,
  deadAfterMs: 15_000,
  recoveryIntervalMs: 5_000,
  claimIntervalMs: 100,
  idleIntervalMs: 1_000,
  waitIntervalMs: 20,
  submitBatch: 500,
});

/** Steps that are cancelled or retried by hand in one transaction. */
const BY_HAND_BATCH = 100;
/** How long a find may keep the event loop at a time. */
const FIND_MS = 4;
/** How long calls that wait for the file may go on doing so once the store is being closed. */
const CLOSE_GRACE_MS = 1_000;

export class SqliteStore implements Store {
  readonly name = 'sqlite';
  readonly rhythm = RHYTHM;
  readonly #options: ResolvedOptions;
  readonly #environment: StoreEnvironment;
  readonly #pace = new Pace();
  readonly #watch: Watch;
  readonly #impatience = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();
  #opening: Promise<Session> | undefined;
  #session: Session | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: ResolvedOptions, environment: StoreEnvironment) {
    this.#options = options;
    this.#environment = environment;
    this.#watch = new Watch(environment.runtime, options.path);
  }

  // ---- steps ----

  submit(steps: readonly NewStep[]): Promise<readonly SubmitReceipt[]> {
    return this.#call((session) =>
      this.#attempt(() => session.wrote(steps.length, session.core.submit(session.now(), steps))),
    );
  }

  exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    return this.#call(async (session) => {
      const { batch } = this.#pace;
      // More than fits a transaction goes ahead in batches of its own; the last one claims.
      const ahead = Math.max(0, Math.ceil(request.settlements.length / batch) - 1) * batch;
      const early = ahead === 0 ? [] : await this.#settle(session, request.pod, request.settlements.slice(0, ahead));
      const last = ahead === 0 ? request : { ...request, settlements: request.settlements.slice(ahead) };
      const reply = await this.#attempt(() => this.#exchange(session, last, batch));
      return {
        receipts: ahead === 0 ? reply.receipts : [...early, ...reply.receipts],
        claims: reply.claims,
        nextDueInMs: reply.nextDueInMs,
        pace: { waitMs: 0, batch: this.#pace.batch },
      };
    });
  }

  #exchange(session: Session, request: ExchangeRequest, batch: number) {
    const { runtime } = this.#environment;
    const startedAt = runtime.monotonicMs();
    const reply = session.core.exchange(session.now(), request, batch);
    const { length: settled } = request.settlements;
    this.#pace.learn(Math.max(settled, reply.claims.length), runtime.monotonicMs() - startedAt);
    return session.wrote(settled + reply.claims.length, reply);
  }

  settle(pod: PodRef, settlements: readonly Settlement[]): Promise<readonly Receipt[]> {
    return this.#call((session) => this.#settle(session, pod, settlements));
  }

  #settle(session: Session, pod: PodRef, settlements: readonly Settlement[]): Promise<Receipt[]> {
    return this.#inBatches(settlements, this.#pace.batch, (batch) =>
      session.wrote(batch.length, session.core.settle(session.now(), pod, batch)),
    );
  }

  cancel(token: string, steps: readonly StepAt[]): Promise<readonly CancelReceipt[]> {
    return this.#call((session) =>
      this.#inBatches(steps, BY_HAND_BATCH, (batch) =>
        session.wrote(batch.length, session.core.cancel(session.now(), token, batch)),
      ),
    );
  }

  retry(steps: readonly StepAt[]): Promise<readonly RetryReceipt[]> {
    return this.#call((session) =>
      this.#inBatches(steps, BY_HAND_BATCH, (batch) =>
        session.wrote(batch.length, session.core.retry(session.now(), batch)),
      ),
    );
  }

  find(stepIds: readonly string[]): Promise<readonly StepRecord[]> {
    const { runtime } = this.#environment;
    const wanted = [...new Set(stepIds)];
    return this.#call(async ({ core }) => {
      const found: StepRecord[] = [];
      for (let next = 0; next < wanted.length;) {
        if (next > 0) await runtime.yield();
        const from = next;
        const until = runtime.monotonicMs() + FIND_MS;
        const piece = await this.#attempt(() => core.find(wanted, from, () => runtime.monotonicMs() > until));
        found.push(...piece.steps);
        next = piece.next;
      }
      return found;
    });
  }

  list(filter: ListFilter): Promise<ListPage> {
    return this.#call(async (session) => {
      const after = filter.after === undefined ? null : cursor(filter.after);
      const { page, rest } = await session.scans.listBegin(filter, after);
      if (rest === undefined) return page;
      const limit = filter.limit - page.steps.length;
      const remainder = await session.long(
        (helper) => helper.list({ ...filter, limit }, rest),
        (scans) => scans.list({ ...filter, limit }, rest),
      );
      return { steps: [...page.steps, ...remainder.steps], next: remainder.next };
    });
  }

  stats(): Promise<StoreStats> {
    return this.#call((session) => {
      const now = session.now();
      return session.long(
        (helper) => helper.stats(now),
        (scans) => scans.stats(now),
      );
    });
  }

  prune({ keepMs }: { readonly keepMs: number }): Promise<PruneReply> {
    return this.#call(async (session) => {
      const now = session.now();
      const reply = await session.long(
        (helper) => helper.prune(now, keepMs),
        (scans) => scans.prune(now, keepMs),
      );
      return session.wrote(reply.removed, reply);
    });
  }

  // ---- fleet ----

  register(pod: PodRegistration): Promise<void> {
    return this.#call((session) => this.#attempt(() => session.core.register(session.instant(), pod)));
  }

  heartbeat(pod: PodRef, beat: Heartbeat): Promise<FleetView> {
    return this.#call((session) => this.#attempt(() => session.core.heartbeat(session.instant(), pod, beat)));
  }

  fleet(): Promise<readonly PodView[]> {
    return this.#call((session) => this.#attempt(() => session.core.fleet(session.now())));
  }

  leave(pod: PodRef): Promise<void> {
    return this.#call(({ core }) => this.#attempt(() => core.leave(pod)));
  }

  orphans({ limit }: { readonly limit: number }): Promise<readonly Orphan[]> {
    return this.#call(({ core }) => this.#attempt(() => core.orphans(limit)));
  }

  evict(pods: readonly PodRef[]): Promise<readonly PodRef[]> {
    return this.#call((session) => this.#attempt(() => session.core.evict(session.now(), pods)));
  }

  // ---- the store itself ----

  pulse(): Promise<string> {
    return this.#call(({ core }) => this.#attempt(() => core.pulse()));
  }

  watch(onChange: () => void): () => void {
    return this.#watch.add(onChange);
  }

  open(): Promise<void> {
    return this.#call(() => undefined);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#shut());
  }

  async #shut(): Promise<void> {
    this.#watch.stop();
    const patience = this.#environment.runtime.after(CLOSE_GRACE_MS, () => this.#impatience.abort());
    await Promise.allSettled(this.#underWay);
    patience.cancel();
    await this.#session?.close();
  }

  /** Opens where nobody has, shared by all who come meanwhile; after a failure the next call tries again. */
  async #open(): Promise<Session> {
    this.#opening ??= openSession(this.#options, this.#environment, this.#impatience.signal);
    try {
      const session = await this.#opening;
      this.#session = session;
      this.#watch.start(() => session.core.dataVersion());
      return session;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  /** Runs a call of the contract: opens first where needed, counts it as under way, and makes its errors ours. */
  #call<T>(work: (session: Session) => T | Promise<T>): Promise<T> {
    if (this.#closing !== undefined) return Promise.reject(storeClosed());
    const call = this.#run(work);
    this.#underWay.add(call);
    const done = () => this.#underWay.delete(call);
    call.then(done, done);
    return call;
  }

  async #run<T>(work: (session: Session) => T | Promise<T>): Promise<T> {
    try {
      return await work(this.#session ?? (await this.#open()));
    } catch (error) {
      throw error instanceof ValidationError ? error : storeError(error, this.#options.path);
    }
  }

  /** Runs an operation now, and again while the file is BUSY. */
  #attempt<T>(operation: () => T): Promise<T> {
    return retrying(this.#environment.runtime, operation, {
      isBusy,
      patienceMs: this.#options.busyTimeoutMs,
      giveUp: (error) => storeError(error, this.#options.path),
      signal: this.#impatience.signal,
    });
  }

  async #inBatches<T, R>(
    all: readonly T[],
    size: number,
    operation: (batch: readonly T[]) => readonly R[],
  ): Promise<R[]> {
    const answers: R[] = [];
    for (let from = 0; from < all.length; from += size) {
      if (from > 0) await this.#environment.runtime.yield();
      answers.push(...(await this.#attempt(() => operation(all.slice(from, from + size)))));
    }
    return answers;
  }
}

function cursor(after: string): number {
  const row = Number(after);
  if (!Number.isSafeInteger(row) || row < 0)
    throw new ValidationError('OPTION_INVALID', 'after', `is no cursor of a list, got ${show(after)}`);
  return row;
}
