/**
 * The SQLite store: the contract on top of the synchronous core.
 *
 * Invariants:
 * - The store holds no SQL, and does no synchronous work of its own.
 * - No call blocks the event loop for more than a few ms. Long work is done in pieces, or by the helper thread.
 * - The first call that needs the file opens it.
 */
import { ValidationError, show } from '../../errors.js';
import type { NewStep } from '../../step/submission.js';
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
  StoreDiagnosis,
  StoreEnvironment,
  StoreStats,
  SubmitReceipt,
} from '../contract.js';
import { RunAtCorrection } from './clock/run-at-correction.js';
import { CallRunner } from './connection/call-runner.js';
import { LazySession } from './connection/lazy-session.js';
import { openSession } from './connection/open-session.js';
import type { SharedMemory } from './connection/shared-memory.js';
import type { Session } from './connection/session.js';
import { DEFAULT_RHYTHM } from './default-rhythm.js';
import { diagnoseFile } from './diagnosis/diagnose-file.js';
import { ExchangeBatches } from './exchange/exchange-batches.js';
import { CommitWatch } from './file/commit-watch.js';
import { threadsOfProcess, type ThreadsOfProcess } from './helper/threads-of-process.js';
import { unpackedStats } from './helper/stats-encoding.js';
import type { ResolvedOptions } from './options.js';
import type { Member } from './pods/pods.js';
import { ExitedPods } from './pods/exited-pods.js';
import { NO_PROOF, systemProcesses, type ProcessTable } from './pods/process-table.js';

/** Steps that one transaction cancels or retries. */
const CHANGE_BATCH = 100;
/** Steps of which one read finds the cancelled ones: about a millisecond. */
const CANCELLED_BATCH = 1_000;

/** What a store finds around it. Tests and simulations give their own. */
export interface StoreSurroundings {
  /** The processes of the host. */
  readonly processes?: ProcessTable;
  /** The helper threads of the process. */
  readonly threads?: ThreadsOfProcess;
  /** A database that several stores share. Then no file is opened. */
  readonly memory?: Pick<SharedMemory, 'session'>;
}

export class SqliteStore implements Store {
  readonly name = 'sqlite';
  readonly rhythm = DEFAULT_RHYTHM;
  readonly staleReadMs = 0;
  readonly #environment: StoreEnvironment;
  readonly #options: ResolvedOptions;
  readonly #commitWatch: CommitWatch;
  readonly #calls: CallRunner;
  readonly #session: LazySession;
  readonly #exchanges: ExchangeBatches;
  readonly #runAtCorrection: RunAtCorrection;
  readonly #exitedPods: ExitedPods;
  #closing: Promise<void> | undefined;

  constructor(
    options: ResolvedOptions,
    environment: StoreEnvironment,
    { processes = systemProcesses, threads = threadsOfProcess, memory }: StoreSurroundings = {},
  ) {
    const { runtime, log } = environment;
    const { path, busyTimeoutMs } = options;
    this.#environment = environment;
    this.#options = options;
    this.#calls = new CallRunner({ runtime, path, busyTimeoutMs });
    this.#commitWatch = new CommitWatch(runtime);
    this.#session = new LazySession(async () => {
      const { attempt } = this.#calls;
      const session = memory?.session(runtime, attempt) ?? (await openSession(options, environment, attempt, threads));
      if (session.watched !== undefined) this.#commitWatch.start(session.watched);
      return session;
    });
    this.#exchanges = new ExchangeBatches(runtime, this.#calls);
    // The commit watch ignores commits of this store, so steps that come due by a correction are reported to it.
    const onMoved = (): void => this.#commitWatch.call();
    this.#runAtCorrection = new RunAtCorrection({ runtime, log, calls: this.#calls, onMoved });
    // Clones of a virtual machine share a boot id. If hosts may share the file, it proves nothing.
    this.#exitedPods = new ExitedPods(runtime, options.allowNetworkFileSystem ? NO_PROOF : processes);
  }

  // ---- steps ----

  submit(steps: readonly NewStep[]): Promise<readonly SubmitReceipt[]> {
    return this.#call((session) =>
      this.#calls.attempt(() => session.wrote(steps.length, session.core.submit(session.now(), steps))),
    );
  }

  exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    return this.#call((session) => this.#exchanges.exchange(session, request));
  }

  settle(pod: PodRef, settlements: readonly Settlement[]): Promise<readonly Receipt[]> {
    return this.#call((session) => this.#exchanges.settle(session, pod, settlements));
  }

  cancel(token: string, steps: readonly StepAt[]): Promise<readonly CancelReceipt[]> {
    return this.#call((session) =>
      this.#calls.inBatches(steps, CHANGE_BATCH, (batch) =>
        session.wrote(batch.length, session.core.cancel(session.now(), token, batch)),
      ),
    );
  }

  retry(steps: readonly StepAt[]): Promise<readonly RetryReceipt[]> {
    return this.#call((session) =>
      this.#calls.inBatches(steps, CHANGE_BATCH, (batch) =>
        session.wrote(batch.length, session.core.retry(session.now(), batch)),
      ),
    );
  }

  find(stepIds: readonly string[]): Promise<readonly StepRecord[]> {
    return this.#call(({ operations }) => operations.find(stepIds));
  }

  ended(query: EndedQuery): Promise<EndedReply> {
    return this.#call(async (session) =>
      session.endedSteps.since(query, await this.#calls.attempt(() => session.now())),
    );
  }

  cancelled(stepIds: readonly string[]): Promise<readonly CancelledStep[]> {
    return this.#call((session) =>
      this.#calls.inBatches(stepIds, CANCELLED_BATCH, (batch) => session.core.cancelled(session.now(), batch)),
    );
  }

  list(filter: ListFilter): Promise<ListPage> {
    return this.#call(async (session) => {
      const after = filter.after === undefined ? null : cursor(filter.after);
      const { page, rest } = await session.operations.listBegin(filter, after);
      if (rest === undefined) return page;
      const limit = filter.limit - page.steps.length;
      const remainder = await session.long(
        (helper) => helper.list({ ...filter, limit }, rest),
        (operations) => operations.list({ ...filter, limit }, rest),
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
        async (operations) => (await operations.count(now)).stats(runtime),
      );
    });
  }

  prune({ keepMs }: { readonly keepMs: number }): Promise<PruneReply> {
    return this.#call(async (session) => {
      const now = await this.#calls.attempt(() => session.now());
      const reply = await session.long(
        (helper) => helper.prune(now, keepMs),
        (operations) => operations.prune(now, keepMs),
      );
      return session.wrote(reply.removed, reply);
    });
  }

  // ---- fleet ----

  register(pod: PodRegistration): Promise<void> {
    return this.#call((session) =>
      this.#calls.attempt(() => session.core.register(session.instant(), pod, this.#exitedPods.self())),
    );
  }

  heartbeat(pod: PodRef, beat: Heartbeat): Promise<FleetView> {
    return this.#call(async (session) => {
      const result = await this.#calls.attempt(() => session.core.heartbeat(session.instant(), pod, beat));
      this.#runAtCorrection.follow(session, result);
      return { ...result.view, pods: await this.#exitedPods.views(result.members) };
    });
  }

  fleet(): Promise<readonly PodView[]> {
    return this.#call(async (session) => {
      const members = await this.#calls.attempt(() => session.core.members(session.now()));
      return this.#exitedPods.views(members);
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
      const registered = await this.#calls.attempt(() => pods.map((pod) => ({ ...pod, process: core.processOf(pod) })));
      const exited = await this.#exitedPods.among(registered); // a proof stays true, so it may precede the statement
      return this.#calls.attempt(() => core.evict(session.now(), pods, exited));
    });
  }

  // ---- the store itself ----

  pulse(): Promise<string> {
    return this.#call(({ core }) => this.#calls.attempt(() => core.pulse()));
  }

  watch(onChange: () => void): () => void {
    return this.#commitWatch.add(onChange);
  }

  diagnose(): Promise<StoreDiagnosis> {
    const session = this.#session.current;
    const inputs = {
      runtime: this.#environment.runtime,
      options: this.#options,
      checkOpenFile: session && (() => void session.checked()),
      read: async () => ({ counts: await this.stats(), pods: await this.fleet() }),
      views: (members: readonly Member[]) => this.#exitedPods.views(members),
    };
    return this.#calls.run(() => diagnoseFile(inputs));
  }

  open(): Promise<void> {
    return this.#call(() => undefined);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#commitWatch.stop();
    this.#runAtCorrection.stop();
    this.#session.current?.abandonHungHelper();
    await this.#calls.close();
    await this.#session.current?.close();
  }

  #call<T>(work: (session: Session) => T | Promise<T>): Promise<T> {
    return this.#calls.run(async () => work((this.#session.current ?? (await this.#session.get())).checked()));
  }
}

function cursor(after: string): number {
  const row = Number(after);
  if (!/^\d+$/.test(after) || !Number.isSafeInteger(row))
    throw new ValidationError('OPTION_INVALID', 'after', `is no cursor of a list, got ${show(after)}`);
  return row;
}
