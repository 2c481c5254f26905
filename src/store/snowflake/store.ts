/**
 * The Snowflake store: the contract, on three sessions.
 *
 * Invariants:
 * - It contains no SQL.
 * - The first call that needs it opens it. Only then is the driver loaded and a connection made.
 * - `watch` never calls back, because Snowflake does not announce the changes of others. `pulse` is cheap instead.
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
import type { Runtime } from '../../runtime/runtime.js';
import { withTimeout } from '../../runtime/with-timeout.js';
import { StoreCalls } from './session/store-calls.js';
import { Exchange, givenBack } from './exchange/exchange.js';
import { Settlements } from './exchange/settlements.js';
import { loadDriver } from './session/driver.js';
import { concernsTables } from './session/driver-error.js';
import { namesOf } from './table-names.js';
import { openTables } from './opening/open-tables.js';
import type { ResolvedOptions } from './options.js';
import { Membership } from './pods/membership.js';
import { Retention } from './housekeeping/retention.js';
import { DEFAULT_INTERVALS } from './default-intervals.js';
import { text } from './rows.js';
import { SCHEMA } from './schema.js';
import { SchemaVersionGuard } from './schema-version-guard.js';
import { Secrets } from './session/secrets.js';
import { PodSequence } from './pods/pod-sequence.js';
import { Sessions } from './session/sessions.js';
import { sessionSettings, statementsOf, type Statements } from './statements.js';
import { Steps } from './steps/steps.js';

/** How much longer than the server the client waits: for the way, and for the driver's retries of it. */
const GRACE_MS = 15_000;
/** How long `close` waits for what is under way, before it is given up. */
const FAREWELL_MS = 5_000;

export class SnowflakeStore implements Store {
  readonly name = 'snowflake';
  readonly rhythm = DEFAULT_INTERVALS;
  readonly staleReadMs: number;
  readonly #calls: StoreCalls;
  readonly #sessions: Sessions;
  readonly #statements: Statements;
  readonly #exchange: Exchange;
  readonly #steps: Steps;
  readonly #membership: Membership;
  readonly #retention: Retention;
  readonly #schema: SchemaVersionGuard;
  readonly #runtime: Runtime;
  readonly #prepare: () => Promise<void>;
  #opening: Promise<void> | undefined;
  #wasOpen = false;
  #closing: Promise<void> | undefined;

  constructor(options: ResolvedOptions, { runtime, log }: StoreEnvironment) {
    this.#runtime = runtime;
    this.staleReadMs = options.staleReadMs;
    const { queryTag, statementTimeoutMs, connection } = options;
    const secrets = new Secrets();
    const names = namesOf(options);
    const statements = (this.#statements = statementsOf(names));
    const calls = (this.#calls = new StoreCalls(runtime, secrets));
    const sessions = (this.#sessions = new Sessions({
      runtime,
      log,
      driver: loadDriver,
      source: connection,
      secrets,
      settings: sessionSettings(queryTag, Math.ceil(statementTimeoutMs / 1_000)),
      deadlineMs: statementTimeoutMs + GRACE_MS,
      longestPauseMs: DEFAULT_INTERVALS.heartbeatIntervalMs / 2,
    }));
    const exchange = calls.patient(sessions.exchange);
    const rest = calls.patient(sessions.rest);
    const sequence = new PodSequence(runtime);
    const lateness = { staleReadMs: options.staleReadMs, pause: (ms: number) => calls.pause(ms) };
    const { refresh } = statements.steps;
    this.#exchange = new Exchange({
      statements: statements.exchange,
      refresh,
      session: exchange,
      rest,
      runtime,
      settling: new Settlements({ statements: statements.exchange, refresh, ...lateness }),
      sequence,
      staleReadMs: options.staleReadMs,
    });
    this.#steps = new Steps({ statements: statements.steps, session: rest, runtime, ...lateness });
    const schema = (this.#schema = new SchemaVersionGuard({
      runtime,
      session: rest,
      statement: statements.store.readSchemaInfo,
      version: SCHEMA.version,
      staleReadMs: options.staleReadMs,
      place: names.wholeSchema,
    }));
    const heartbeat = calls.patient(sessions.heartbeat);
    this.#membership = new Membership({
      statements: statements.pods,
      session: heartbeat,
      rest,
      sequence,
      schema,
      wallMs: () => runtime.wallMs(),
      staleReadMs: options.staleReadMs,
      giveBack: (pod, claims) => void this.settle(pod, claims.map(givenBack)).catch(() => {}), // the next heartbeat shows them
    });
    this.#retention = new Retention({ statements: statements.housekeeping, session: rest, log });
    const all = [rest, exchange, heartbeat] as const;
    this.#prepare = async () => {
      const learn = schema.asking();
      const reopening = this.#wasOpen;
      const { pause } = lateness;
      learn(
        await openTables({ options, names, statements, sessions: all, schema: SCHEMA, secrets, log, pause, reopening }),
      );
      this.#wasOpen = true;
    };
  }

  // ---- steps ----

  submit(steps: readonly NewStep[]): Promise<readonly SubmitReceipt[]> {
    return this.#admitted(async () => {
      const receipts = await this.#steps.submit(steps);
      if (receipts.includes('created')) this.#exchange.expectWork();
      return receipts;
    });
  }

  exchange(request: ExchangeRequest): Promise<ExchangeReply> {
    return this.#call(() => {
      const { pod, settlements } = request;
      // What a version claims whose tables have changed may be wrong; what it has claimed may be settled.
      return this.#exchange.run(this.#schema.outdated ? { pod, settlements } : request);
    });
  }

  settle(pod: PodRef, settlements: readonly Settlement[]): Promise<readonly Receipt[]> {
    return this.#call(() => this.#exchange.settle(pod, settlements));
  }

  find(stepIds: readonly string[]): Promise<readonly StepRecord[]> {
    return this.#call(() => this.#steps.find(stepIds));
  }

  ended(query: EndedQuery): Promise<EndedReply> {
    return this.#call(() => this.#steps.ended(query));
  }

  cancelled(stepIds: readonly string[]): Promise<readonly CancelledStep[]> {
    return this.#call(() => this.#steps.cancelled(stepIds));
  }

  list(filter: ListFilter): Promise<ListPage> {
    return this.#call(() => this.#steps.list(filter));
  }

  stats(): Promise<StoreStats> {
    return this.#call(() => this.#steps.stats());
  }

  cancel(token: string, steps: readonly StepAt[]): Promise<readonly CancelReceipt[]> {
    return this.#admitted(() => this.#steps.cancel(token, steps));
  }

  retry(steps: readonly StepAt[]): Promise<readonly RetryReceipt[]> {
    return this.#admitted(async () => {
      const receipts = await this.#steps.retry(steps);
      if (receipts.includes('retried')) this.#exchange.expectWork();
      return receipts;
    });
  }

  prune({ keepMs }: { readonly keepMs: number }): Promise<PruneReply> {
    return this.#admitted(() => this.#retention.prune(keepMs));
  }

  // ---- fleet ----

  register(pod: PodRegistration): Promise<void> {
    this.#sessions.keepTime(pod.heartbeatMs);
    return this.#admitted(() => this.#membership.register(pod));
  }

  heartbeat(pod: PodRef, beat: Heartbeat): Promise<FleetView> {
    return this.#call(() => this.#membership.heartbeat(pod, beat));
  }

  fleet(): Promise<readonly PodView[]> {
    return this.#call(() => this.#membership.fleet());
  }

  leave(pod: PodRef): Promise<void> {
    return this.#call(() => this.#membership.leave(pod));
  }

  orphans({ limit }: { readonly limit: number }): Promise<readonly Orphan[]> {
    return this.#call(() => this.#membership.orphans(limit));
  }

  evict(pods: readonly PodRef[]): Promise<readonly PodRef[]> {
    return this.#call(() => this.#membership.evict(pods));
  }

  // ---- the store itself ----

  pulse(): Promise<string> {
    return this.#call(async () => {
      const [row] = await this.#sessions.rest.run(this.#statements.store.pulse, undefined, { numbersAsText: true });
      return row === undefined ? '' : text(row, 'TOKEN');
    });
  }

  watch(_onChange: () => void): () => void {
    return () => {};
  }

  open(): Promise<void> {
    return this.#call(() => Promise.resolve());
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#shut());
  }

  async #shut(): Promise<void> {
    const done = this.#calls.close();
    await withTimeout(this.#runtime, () => done, { timeoutMs: FAREWELL_MS }).catch(() => {}); // it is given up
    await this.#sessions.close();
    await done;
  }

  /** Opens where nobody has, shared by all who come meanwhile; after a failure the next call tries again. */
  async #open(): Promise<void> {
    this.#opening ??= this.#prepare();
    try {
      await this.#opening;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  /** Somebody has changed tables or grants under the open store: opening it again says which. */
  #inspect(): Promise<void> {
    this.#opening = undefined;
    return this.#open();
  }

  /** A change that only a version may make that knows the tables. What has begun may still be settled. */
  #admitted<T>(work: () => Promise<T>): Promise<T> {
    return this.#call(async () => {
      await this.#schema.check();
      return work();
    });
  }

  #call<T>(work: () => Promise<T>): Promise<T> {
    return this.#calls.run(async () => {
      await this.#open();
      try {
        return await work();
      } catch (error) {
        if (concernsTables(error)) await this.#inspect();
        throw error;
      }
    });
  }
}
