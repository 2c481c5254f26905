/** SQLite stores on their own files, closed when the test ends, and raw connections that interfere with them. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { onTestFinished } from 'vitest';
import { createLog } from '../../../../src/log.js';
import { systemRuntime, type Runtime } from '../../../../src/runtime/runtime.js';
import { sqlite, type SqliteOptions } from '../../../../src/sqlite.js';
import type { Claim, PodRef, Store } from '../../../../src/store/contract.js';
import { SynchronousCore } from '../../../../src/store/sqlite/synchronous-core.js';
import { openConnection } from '../../../../src/store/sqlite/file/open-connection.js';
import { migrate } from '../../../../src/store/sqlite/schema/migration.js';
import { claimRequest, newSteps, settlement, type ClaimRequestOver } from '../../../conformance/harness.js';
import { temporaryFolder } from '../../../support/temp.js';

/** The helper's module exists only in compiled form; `npm test` builds first. */
export const WORKER_URL = new URL('../../../../dist/store/sqlite/helper/worker.js', import.meta.url);

export const newFile = (): string => join(temporaryFolder(), 'steps.db');

/** A store that is closed when the test ends. */
export async function newStore(options: SqliteOptions, runtime: Runtime = systemRuntime): Promise<Store> {
  const store = await sqlite(options).create({ runtime, log: createLog('test') });
  onTestFinished(() => store.close());
  return store;
}

/** A connection like that of another program. */
export function rawConnection(path: string): Database.Database {
  const connection = new Database(path, { timeout: 0 });
  onTestFinished(() => void connection.close());
  return connection;
}

/** A core on a migrated database, without a store around it. */
export function newCore(path = ':memory:'): { readonly core: SynchronousCore; readonly connection: Database.Database } {
  const connection = openConnection(Database, { path, synchronous: 'normal', autocheckpoint: 10_000 });
  onTestFinished(() => void connection.close());
  migrate(connection, path);
  return { core: new SynchronousCore(connection), connection };
}

export const POD: PodRef = { podId: 'pod', incarnation: 'life' };

export async function joined(store: Store, pod = POD, deadAfterMs = 3_600_000): Promise<PodRef> {
  await store.register({ ...pod, heartbeatMs: 1_000, deadAfterMs, meta: {} });
  return pod;
}

export async function claimed(store: Store, over: ClaimRequestOver = {}, pod = POD): Promise<readonly Claim[]> {
  return (await store.exchange({ pod, settlements: [], claim: claimRequest(over) })).claims;
}

/** Leaves the given number of completed steps behind. */
export async function history(store: Store, count: number, pod = POD): Promise<void> {
  for (let left = count; left > 0; left -= 100) {
    await store.submit(newSteps(Math.min(100, left)));
    const claims = await claimed(store, { free: 100, types: { work: 100 } }, pod);
    await store.settle(
      pod,
      claims.map((claim) => settlement(claim)),
    );
  }
}

/** Resolves in a later turn of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Resolves when `test` returns true; it runs in each turn of the event loop. */
export async function eventually(test: () => boolean): Promise<void> {
  while (!test()) await new Promise((resolve) => setTimeout(resolve, 1));
}
