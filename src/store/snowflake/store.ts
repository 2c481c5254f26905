/**
 * The Snowflake store: the store contract on three sessions.
 *
 * Invariants:
 * - It contains no SQL.
 * - The first call that needs the tables opens them. Only then is the driver loaded and a connection made.
 * - `watch` never calls back, because Snowflake does not announce changes of other sessions. Its `pulse` is cheap instead.
 */
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
  PacingReport,
  PodRef,
  PodRegistration,
  PodView,
  PruneReply,
  Receipt,
  RetryReceipt,
  Settlement,
  SleepRhythm,
  StepAt,
  StepRecord,
  Store,
  StoreDiagnosis,
  StoreEnvironment,
  StoreStats,
  SubmitReceipt,
} from '../contract.js';
import type { NewStep } from '../../step/submission.js';
import type { Runtime } from '../../runtime/runtime.js';
import { withTimeout } from '../../runtime/with-timeout.js';
import { DEFAULT_RHYTHM } from './default-rhythm.js';
import { released } from './exchange/duplicate-row-claims.js';
import type { ResolvedOptions } from './options.js';
import { text } from './rows.js';
import { createServices, type Services } from './store-assembly.js';
import { loadDriver, type Driver } from './session/driver.js';
import { concernsTables } from './session/driver-error.js';

/** How long `close` waits for open calls before it gives them up. */
const CLOSE_LIMIT_MS = 5_000;

export class SnowflakeStore implements Store {
  readonly name = 'snowflake';
  readonly rhythm = DEFAULT_RHYTHM;
  readonly staleReadMs: number;
  readonly sleep?: SleepRhythm;
  readonly #runtime: Runtime;
  readonly #services: Services;
  #closing: Promise<void> | undefined;

  /** @param driver what loads the driver, when the first connection is made */
  constructor(options: ResolvedOptions, environment: StoreEnvironment, driver: () => Promise<Driver> = loadDriver) {
    this.staleReadMs = options.staleReadMs;
    if (options.sleep !== undefined) this.sleep = options.sleep;
    this.#runtime = environment.runtime;
    this.#services = createServices(options, environment, driver, (pod, claims) => {
      this.settle(pod, claims.map(released)).catch(() => {}); // the next heartbeat shows them again
    });
  }

  // ---- steps ----

  submit(steps: readonly NewStep[]): Promise<readonly SubmitReceipt[]> {
    return this.#change(async () => {
      const receipts = await this.#services.submissions.submit(steps);
      this.#expectWork(steps, receipts.indexOf('created'));
      return receipts;
    });
  }

  exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    return this.#call(() => {
      const { pod, settlements } = request;
      // An outdated version must claim nothing. It may settle what it has claimed.
      return this.#services.exchange.run(this.#services.schemaGuard.outdated ? { pod, settlements } : request);
    });
  }

  settle(pod: PodRef, settlements: readonly Settlement[]): Promise<readonly Receipt[]> {
    return this.#call(() => this.#services.exchange.settle(pod, settlements));
  }

  find(stepIds: readonly string[]): Promise<readonly StepRecord[]> {
    return this.#call(() => this.#services.reads.find(stepIds));
  }

  ended(query: EndedQuery): Promise<EndedReply> {
    return this.#call(() => this.#services.reads.ended(query));
  }

  cancelled(stepIds: readonly string[]): Promise<readonly CancelledStep[]> {
    return this.#call(() => this.#services.reads.cancelled(stepIds));
  }

  list(filter: ListFilter): Promise<ListPage> {
    return this.#call(() => this.#services.reads.list(filter));
  }

  stats(): Promise<StoreStats> {
    return this.#call(() => this.#services.reads.stats());
  }

  cancel(token: string, steps: readonly StepAt[]): Promise<readonly CancelReceipt[]> {
    return this.#change(() => this.#services.changes.cancel(token, steps));
  }

  retry(steps: readonly StepAt[]): Promise<readonly RetryReceipt[]> {
    return this.#change(async () => {
      const receipts = await this.#services.changes.retry(steps);
      this.#expectWork(steps, receipts.indexOf('retried'));
      return receipts;
    });
  }

  prune({ keepMs }: { readonly keepMs: number }): Promise<PruneReply> {
    return this.#change(() => this.#services.retention.prune(keepMs));
  }

  // ---- fleet ----

  register(pod: PodRegistration): Promise<void> {
    this.#services.sessions.fitToHeartbeat(pod.heartbeatMs);
    return this.#change(() => this.#services.podLog.register(pod));
  }

  heartbeat(pod: PodRef, beat: Heartbeat): Promise<FleetView> {
    return this.#call(() => this.#services.podLog.heartbeat(pod, beat));
  }

  fleet(): Promise<readonly PodView[]> {
    return this.#call(() => this.#services.podLog.fleet());
  }

  leave(pod: PodRef): Promise<void> {
    return this.#call(() => this.#services.podLog.leave(pod));
  }

  orphans({ limit }: { readonly limit: number }): Promise<readonly Orphan[]> {
    return this.#call(() => this.#services.podLog.orphans(limit));
  }

  evict(pods: readonly PodRef[]): Promise<readonly PodRef[]> {
    return this.#call(() => this.#services.podLog.evict(pods));
  }

  // ---- the store itself ----

  pulse(): Promise<string> {
    return this.#call(async () => {
      const { sessions, statements } = this.#services;
      const [row] = await sessions.rest.run(statements.store.pulse, undefined, { numbersAsText: true });
      return row === undefined ? '' : text(row, 'TOKEN');
    });
  }

  census(): Promise<string> {
    return this.#call(async () => {
      const { sessions, statements } = this.#services;
      const [row] = await sessions.rest.run(statements.store.census, undefined, { numbersAsText: true });
      return row === undefined ? '' : text(row, 'ROW_COUNT');
    });
  }

  get pacing(): PacingReport {
    return this.#services.exchange.pacing;
  }

  watch(_onChange: () => void): () => void {
    return () => {};
  }

  diagnose(): Promise<StoreDiagnosis> {
    const { calls, diagnosis } = this.#services;
    return calls.run(() => diagnosis.run());
  }

  open(): Promise<void> {
    return this.#call(() => Promise.resolve());
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#shut());
  }

  async #shut(): Promise<void> {
    const { calls, sessions, diagnosis } = this.#services;
    const done = calls.close();
    await withTimeout(this.#runtime, () => done, { timeoutMs: CLOSE_LIMIT_MS }).catch(() => {}); // they are given up
    await Promise.all([sessions.close(), diagnosis.close()]);
    await done;
  }

  #expectWork(steps: readonly { readonly stepId: string }[], at: number): void {
    const step = steps[at];
    if (step !== undefined) this.#services.exchange.expectWork(step.stepId);
  }

  /** Runs a change that an outdated version must not make. */
  #change<T>(work: () => Promise<T>): Promise<T> {
    return this.#call(async () => {
      await this.#services.schemaGuard.check();
      return work();
    });
  }

  #call<T>(work: () => Promise<T>): Promise<T> {
    const { calls, opener } = this.#services;
    return calls.run(async () => {
      await opener.open();
      try {
        return await work();
      } catch (error) {
        if (concernsTables(error)) await opener.reopen();
        throw error;
      }
    });
  }
}
