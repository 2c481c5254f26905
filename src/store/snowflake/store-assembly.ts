/** Builds the parts of a Snowflake store, and gives each what it needs. */
import type { Fence, PodRef, StoreEnvironment } from '../contract.js';
import { DEFAULT_RHYTHM } from './default-rhythm.js';
import { AccountDiagnosis } from './diagnosis/diagnose-account.js';
import { Pacer } from './combining/pacer.js';
import type { Exchange } from './exchange/exchange.js';
import { createExchange } from './exchange/create-exchange.js';
import { Settlements } from './exchange/settlements.js';
import { Retention } from './housekeeping/retention.js';
import { LateReads } from './late-read-wait.js';
import { TablesOpener } from './opening/tables-opener.js';
import type { ResolvedOptions } from './options.js';
import { PodLog } from './pods/pod-log.js';
import { LoggedSigns } from './pods/logged-signs.js';
import { SignOfLifeSequence } from './pods/sign-of-life-sequence.js';
import { SCHEMA } from './schema.js';
import { SchemaVersionGuard } from './schema-version-guard.js';
import type { Driver } from './session/driver.js';
import type { SessionDependencies } from './session/session.js';
import { Secrets } from './session/secrets.js';
import { Sessions } from './session/three-sessions.js';
import { sessionSettings } from './session/statements.js';
import { StoreCalls } from './session/store-calls.js';
import { statementsOf, type Statements } from './statements.js';
import { StepChanges } from './steps/step-changes.js';
import { StepReads } from './steps/step-reads.js';
import { Submissions } from './steps/submissions.js';
import { RepeatableInserts } from './steps/repeatable-inserts.js';
import { namesOf } from './table-names.js';

/** How much longer than the server the client waits: for the network, and for the driver's retries. */
const GRACE_MS = 15_000;

export interface Services {
  readonly statements: Statements;
  readonly calls: StoreCalls;
  readonly sessions: Sessions;
  readonly opener: TablesOpener;
  readonly diagnosis: AccountDiagnosis;
  readonly schemaGuard: SchemaVersionGuard;
  readonly pacer: Pacer;
  readonly exchange: Exchange;
  readonly submissions: Submissions;
  readonly reads: StepReads;
  readonly changes: StepChanges;
  readonly podLog: PodLog;
  readonly retention: Retention;
}

/** @param giveBack gives claims of a pod back that it does not know of */
export function createServices(
  options: ResolvedOptions,
  { runtime, log }: StoreEnvironment,
  driver: () => Promise<Driver>,
  giveBack: (pod: PodRef, claims: readonly Fence[]) => void,
): Services {
  const { queryTag, statementTimeoutMs, connection, staleReadMs } = options;
  const secrets = new Secrets();
  const names = namesOf(options);
  const statements = statementsOf(names);
  const { refresh } = statements.steps;
  const calls = new StoreCalls(runtime, secrets);
  const lateReads = new LateReads(staleReadMs, (ms) => calls.pause(ms));
  const sequence = new SignOfLifeSequence(runtime);

  const sessionParts: SessionDependencies = {
    runtime,
    log,
    driver,
    source: connection,
    secrets,
    settings: sessionSettings(queryTag, Math.ceil(statementTimeoutMs / 1_000)),
    deadlineMs: statementTimeoutMs + GRACE_MS,
    longestPauseMs: DEFAULT_RHYTHM.heartbeatIntervalMs / 2,
  };
  const sessions = new Sessions(sessionParts);
  const exchangeSession = calls.retryingBusy(sessions.exchange);
  const heartbeatSession = calls.retryingBusy(sessions.heartbeat);
  const rest = calls.retryingBusy(sessions.rest);

  const schemaGuard = new SchemaVersionGuard({
    runtime,
    session: rest,
    statement: statements.opening.readSchemaInfo,
    version: SCHEMA.version,
    staleReadMs,
    place: names.wholeSchema,
  });
  const opening = { options, names, statements, schema: SCHEMA, secrets, log, lateReads };
  const opener = new TablesOpener(schemaGuard, { ...opening, sessions: [rest, exchangeSession, heartbeatSession] });
  const settlements = new Settlements({ statements: statements.exchange, refresh, lateReads });
  const pacer = new Pacer(options);
  const signs = new LoggedSigns(runtime);
  const exchange = createExchange({
    statements: statements.exchange,
    refresh,
    pulse: statements.store.pulse,
    session: exchangeSession,
    sentOnce: sessions.exchange,
    rest,
    calls,
    runtime,
    settlements,
    sequence,
    lateReads,
    pacer,
    onLogged: (incarnation, sentAt) => signs.logged(incarnation, sentAt),
  });
  const inserts = new RepeatableInserts(rest, refresh);
  const submissions = new Submissions({ statements: statements.steps, session: rest, inserts, runtime, lateReads });
  const podLog = new PodLog({
    statements: statements.pods,
    session: heartbeatSession,
    rest,
    sequence,
    signs,
    pacer,
    schema: schemaGuard,
    wallMs: () => runtime.wallMs(),
    staleReadMs,
    giveBack,
  });
  return {
    statements,
    diagnosis: new AccountDiagnosis({ runtime, options, sessionParts, opening }),
    calls,
    sessions,
    opener,
    schemaGuard,
    pacer,
    exchange,
    submissions,
    podLog,
    reads: new StepReads(statements.steps, rest, runtime),
    changes: new StepChanges(statements.steps, rest, inserts),
    retention: new Retention({
      statements: statements.housekeeping,
      session: rest,
      log,
      lookIntervalMs: options.sleep?.lookIntervalMs,
    }),
  };
}
