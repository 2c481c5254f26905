/** Snowflake stores on the test bed, and single sessions of them, closed when the test ends. */
import { onTestFinished } from 'vitest';
import { createLog, type Logger } from '../../../../src/log.js';
import { sleep, systemRuntime, type Runtime } from '../../../../src/runtime/runtime.js';
import { snowflake, type SnowflakeOptions } from '../../../../src/snowflake.js';
import type { Claim, PodRef, Store } from '../../../../src/store/contract.js';
import { loadDriver } from '../../../../src/store/snowflake/session/driver.js';
import { namesOf } from '../../../../src/store/snowflake/table-names.js';
import { LateReads } from '../../../../src/store/snowflake/late-read-wait.js';
import type { OpeningContext } from '../../../../src/store/snowflake/opening/opening-context.js';
import { resolveOptions } from '../../../../src/store/snowflake/options.js';
import { SCHEMA } from '../../../../src/store/snowflake/schema.js';
import { Secrets } from '../../../../src/store/snowflake/session/secrets.js';
import { Session, type SessionDependencies } from '../../../../src/store/snowflake/session/session.js';
import { sessionSettings } from '../../../../src/store/snowflake/session/statements.js';
import { statementsOf } from '../../../../src/store/snowflake/statements.js';
import { claimRequest, fresh, type ClaimRequestOver } from '../../../conformance/harness.js';
import type { Driver } from '../../../support/warehouse/driver.js';
import { useTestBed, type UsedTestBed } from '../../../support/warehouse/use-test-bed.js';

export interface UsedStores extends UsedTestBed {
  /** The database and schema of the running test's tables. */
  place(): { readonly database: string; readonly schema: string };
  /** A store that is not open yet. */
  make(over?: Partial<SnowflakeOptions>, logger?: Logger, runtime?: Runtime): Promise<Store>;
  /** An open store. */
  open(over?: Partial<SnowflakeOptions>, logger?: Logger, runtime?: Runtime): Promise<Store>;
  /** A session as a store has three of. */
  session(over?: Partial<SessionDependencies>): Session;
  /** What opening needs, on one session; the texts are those of the running test's tables. */
  opening(over?: Partial<OpeningContext>, options?: Partial<SnowflakeOptions>): OpeningContext;
  /** A connection beside the store's, with rows put in and read as an administrator might. */
  byHand(): Promise<Driver>;
}

/** Call it inside `describe`. */
export function useStores(...options: Parameters<typeof useTestBed>): UsedStores {
  const used = useTestBed(...options);
  const place = () => {
    const { database, schema } = used.options();
    return { database: database!, schema: schema! };
  };
  const make: UsedStores['make'] = async (over = {}, logger, runtime = systemRuntime) => {
    const environment = { runtime, log: createLog('store', logger ?? silent) };
    const store = await snowflake({ connection: used.options(), ...place(), ...over }).create(environment);
    onTestFinished(() => store.close());
    return store;
  };
  return {
    ...used,
    place,
    make,
    async open(over, logger, runtime) {
      const store = await make(over, logger, runtime);
      await store.open();
      return store;
    },
    session(over = {}) {
      const session = new Session({ ...sessionParts(used), ...over });
      onTestFinished(() => session.close());
      return session;
    },
    opening(over = {}, options = {}) {
      const resolved = resolveOptions({ ...place(), ...options });
      const names = namesOf(resolved);
      const session = new Session(sessionParts(used));
      onTestFinished(() => session.close());
      const log = createLog('store', silent);
      const parts = { options: resolved, names, statements: statementsOf(names), secrets: new Secrets(), log };
      const lateReads = new LateReads(resolved.staleReadMs, (ms) => sleep(systemRuntime, ms));
      return { ...parts, schema: SCHEMA, sessions: [session], lateReads, ...over };
    },
    byHand: () => used.connect(),
  };
}

function sessionParts(used: UsedTestBed): SessionDependencies {
  return {
    runtime: systemRuntime,
    log: createLog('store', silent),
    driver: loadDriver,
    source: used.options(),
    secrets: new Secrets(),
    settings: sessionSettings('fleet-q', 60),
    deadlineMs: 20_000,
    longestPauseMs: 1_000,
  };
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A runtime that notes how long its timers were to take. */
export function noting(delays: number[]): Runtime {
  return {
    ...systemRuntime,
    after(delayMs, callback, options) {
      delays.push(delayMs);
      return systemRuntime.after(delayMs, callback, options);
    },
  };
}

export async function joined(store: Store): Promise<PodRef> {
  const pod = { podId: fresh('pod'), incarnation: fresh('life') };
  await store.register({ ...pod, heartbeatMs: 1_000, deadAfterMs: 86_400_000, meta: {} });
  return pod;
}

export async function claimed(store: Store, pod: PodRef, over: ClaimRequestOver = {}): Promise<readonly Claim[]> {
  return (await store.exchange({ pod, settlements: [], claim: claimRequest(over) })).claims;
}
