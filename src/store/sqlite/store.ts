/**
 * The SQLite store: the contract on top of the core.
 *
 * Law: no SQL and no synchronous work of its own. No call keeps the event loop for more than a few ms: what is long is
 * done in pieces, or by the helper. It is opened by the first call that needs it.
 */
import { ValidationError, show } from '../../errors.js';
import type {
  CancelledStep,
  CancelReceipt,
  EndedQuery,
  EndedReply,
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
  Settlement,
  StepAt,
  StepRecord,
  Store,
  StoreEnvironment,
  StoreStats,
  SubmitReceipt,
} from '../contract.js';
import type { NewStep } from '../../step/submission.js';
import { CallRunner } from './connection/call-runner.js';
import { ExitedPods } from './pods/exited-pods.js';
import { RunAtCorrection } from './clock/run-at-correction.js';
import { sharedThreads, type SharedThreads } from './helper/shared-threads.js';
import type { ResolvedOptions } from './options.js';
import { charactersOf, BatchSize } from './batch-size.js';
import { unpackedStats } from './helper/stats-encoding.js';
import { DEFAULT_INTERVALS } from './default-intervals.js';
import { NO_PROOF, systemProcesses, type ProcessTable } from './pods/process-table.js';
import { openSession, type Session } from './connection/session.js';
import { CommitWatch } from './file/commit-watch.js';

/** Steps that are cancelled or retried by hand in one transaction. */
const BY_HAND_BATCH = 100;
/** Steps that are looked at in one read for whether they were cancelled: about a millisecond. */
const CANCELLED_BATCH = 1_000;
/** How long an exchange goes on promoting where what it may claim is not known before that. */
const UNBLOCK_MS = 50;

export class SqliteStore implements Store {
  readonly name = 'sqlite';
  readonly rhythm = DEFAULT_INTERVALS;
  readonly staleReadMs = 0;
  readonly #options: ResolvedOptions;
  readonly #environment: StoreEnvironment;
  readonly #threads: SharedThreads;
  readonly #pace = new BatchSize();
  readonly #watch: CommitWatch;
  readonly #calls: CallRunner;
  readonly #mover: RunAtCorrection;
  readonly #exits: ExitedPods;
  #opening: Promise<Session> | undefined;
  #session: Session | undefined;
  #closing: Promise<void> | undefined;

  /** @param threads the helper threads of the process; for tests, as `processes` is */
  constructor(
    options: ResolvedOptions,
    environment: StoreEnvironment,
    processes: ProcessTable = systemProcesses,
    threads: SharedThreads = sharedThreads,
  ) {
    this.#options = options;
    this.#threads = threads;
    this.#environment = environment;
    this.#calls = new CallRunner({ ...options, runtime: environment.runtime });
    this.#watch = new CommitWatch(environment.runtime);
    // Our own commits wake nobody here, so that what has come due by a move is to be told.
    this.#mover = new RunAtCorrection({ ...environment, calls: this.#calls, onMoved: () => this.#watch.call() });
    // Clones of a virtual machine share a boot id: where hosts may share the file, it proves nothing.
    this.#exits = new ExitedPods(environment.runtime, options.allowNetworkFileSystem ? NO_PROOF : processes);
  }

  // ---- steps ----

  submit(steps: readonly NewStep[]): Promise<readonly SubmitReceipt[]> {
    return this.#call((session) =>
      this.#calls.attempt(() => session.wrote(steps.length, session.core.submit(session.now(), steps))),
    );
  }

  exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    return this.#call(async (session) => {
      const { batch } = this.#pace;
      // More than fits a transaction goes ahead in batches of its own; the last one claims.
      const ahead = Math.max(0, Math.ceil(request.settlements.length / batch) - 1) * batch;
      const early = ahead === 0 ? [] : await this.#settle(session, request.pod, request.settlements.slice(0, ahead));
      const last = ahead === 0 ? request : { ...request, settlements: request.settlements.slice(ahead) };
      let reply = await this.#calls.attempt(() => this.#exchange(session, last, batch));
      const { runtime } = this.#environment;
      const until = runtime.monotonicMs() + UNBLOCK_MS;
      const { receipts } = reply;
      while (reply.blocked && reply.claims.length === 0 && runtime.monotonicMs() < until) {
        await runtime.yield();
        reply = await this.#calls.attempt(() => this.#exchange(session, { ...last, settlements: [] }, batch));
      }
      return {
        receipts: ahead === 0 ? receipts : [...early, ...receipts],
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
    const rows = Math.max(settled, reply.claims.length);
    this.#pace.learn(rows, runtime.monotonicMs() - startedAt, charactersOf(request, reply.claims));
    return session.wrote(settled + reply.claims.length, reply);
  }

  settle(pod: PodRef, settlements: readonly Settlement[]): Promise<readonly Receipt[]> {
    return this.#call((session) => this.#settle(session, pod, settlements));
  }

  #settle(session: Session, pod: PodRef, settlements: readonly Settlement[]): Promise<Receipt[]> {
    return this.#calls.inBatches(settlements, this.#pace.batch, (batch) =>
      session.wrote(batch.length, session.core.settle(session.now(), pod, batch)),
    );
  }

  cancel(token: string, steps: readonly StepAt[]): Promise<readonly CancelReceipt[]> {
    return this.#call((session) =>
      this.#calls.inBatches(steps, BY_HAND_BATCH, (batch) =>
        session.wrote(batch.length, session.core.cancel(session.now(), token, batch)),
      ),
    );
  }

  retry(steps: readonly StepAt[]): Promise<readonly RetryReceipt[]> {
    return this.#call((session) =>
      this.#calls.inBatches(steps, BY_HAND_BATCH, (batch) =>
        session.wrote(batch.length, session.core.retry(session.now(), batch)),
      ),
    );
  }

  find(stepIds: readonly string[]): Promise<readonly StepRecord[]> {
    return this.#call(({ scans }) => scans.find(stepIds));
  }

  ended(query: EndedQuery): Promise<EndedReply> {
    return this.#call(async (session) => session.endings.since(query, await this.#calls.attempt(() => session.now())));
  }

  cancelled(stepIds: readonly string[]): Promise<readonly CancelledStep[]> {
    return this.#call((session) =>
      this.#calls.inBatches(stepIds, CANCELLED_BATCH, (batch) => session.core.cancelled(session.now(), batch)),
    );
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
    return this.#call(async (session) => {
      const now = await this.#calls.attempt(() => session.now());
      const { runtime } = this.#environment;
      return session.long(
        async (helper) => unpackedStats(runtime, await helper.stats(now)),
        async (scans) => (await scans.count(now)).stats(runtime),
      );
    });
  }

  prune({ keepMs }: { readonly keepMs: number }): Promise<PruneReply> {
    return this.#call(async (session) => {
      const now = await this.#calls.attempt(() => session.now());
      const reply = await session.long(
        (helper) => helper.prune(now, keepMs),
        (scans) => scans.prune(now, keepMs),
      );
      return session.wrote(reply.removed, reply);
    });
  }

  // ---- fleet ----

  register(pod: PodRegistration): Promise<void> {
    return this.#call((session) =>
      this.#calls.attempt(() => session.core.register(session.instant(), pod, this.#exits.self())),
    );
  }

  heartbeat(pod: PodRef, beat: Heartbeat): Promise<FleetView> {
    return this.#call(async (session) => {
      const beaten = await this.#calls.attempt(() => session.core.heartbeat(session.instant(), pod, beat));
      this.#mover.follow(session, beaten);
      return { ...beaten.view, pods: await this.#exits.views(beaten.members) };
    });
  }

  fleet(): Promise<readonly PodView[]> {
    return this.#call(async (session) => {
      const members = await this.#calls.attempt(() => session.core.members(session.now()));
      return this.#exits.views(members);
    });
  }

  leave(pod: PodRef): Promise<void> {
    return this.#call(({ core }) => this.#calls.attempt(() => core.leave(pod)));
  }

  orphans({ limit }: { readonly limit: number }): Promise<readonly Orphan[]> {
    return this.#call(({ core }) => this.#calls.attempt(() => core.orphans(limit)));
  }

  evict(pods: readonly PodRef[]): Promise<readonly PodRef[]> {
    return this.#call(async (session) => {
      const { core } = session;
      const claimed = await this.#calls.attempt(() => pods.map((pod) => ({ ...pod, process: core.processOf(pod) })));
      const exited = await this.#exits.among(claimed); // a proof stays true: it may come before the statement
      return this.#calls.attempt(() => core.evict(session.now(), pods, exited));
    });
  }

  // ---- the store itself ----

  pulse(): Promise<string> {
    return this.#call(({ core }) => this.#calls.attempt(() => core.pulse()));
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
    this.#mover.stop();
    this.#session?.hurry();
    await this.#calls.close();
    await this.#session?.close();
  }

  /** Opens where nobody has, shared by all who come meanwhile; after a failure the next call tries again. */
  async #open(): Promise<Session> {
    const opening = (this.#opening ??= openSession(
      this.#options,
      this.#environment,
      this.#calls.attempt,
      this.#threads,
    ));
    try {
      const session = await opening;
      if (this.#session === undefined && session.watched !== undefined) this.#watch.start(session.watched);
      return (this.#session = session);
    } catch (error) {
      if (this.#opening === opening) this.#opening = undefined;
      throw error;
    }
  }

  #call<T>(work: (session: Session) => T | Promise<T>): Promise<T> {
    return this.#calls.run(async () => work((this.#session ?? (await this.#open())).ready()));
  }
}

function cursor(after: string): number {
  const row = Number(after);
  if (!/^\d+$/.test(after) || !Number.isSafeInteger(row))
    throw new ValidationError('OPTION_INVALID', 'after', `is no cursor of a list, got ${show(after)}`);
  return row;
}
