/**
 * One database in memory for the stores of several pods of one process: for simulations, and for the tests of an application.
 *
 * Invariants:
 * - The stores share the connection and its prepared statements. Each has a clock of its own, that of its runtime.
 * - A store that closes leaves the database as it is. {@link SharedMemory.close} ends it.
 */
import type { Database } from 'better-sqlite3';
import { loadSqlite } from '../../../driver/better-sqlite3.js';
import { MEMORY } from '../../../files/file-path.js';
import type { Runtime } from '../../../runtime/runtime.js';
import { StoreClock } from '../clock/store-clock.js';
import { openConnection } from '../file/open-connection.js';
import { EndedSteps } from '../reading/ended-steps.js';
import { migrate } from '../schema/migration.js';
import { SlicedOperations, type Attempt } from '../sliced-operations.js';
import { SynchronousCore } from '../synchronous-core.js';
import { Session } from './session.js';

/** A database with the tables and nothing in them. The first one is migrated, the others are copies of it. */
let empty: Buffer | undefined;

/** The stores of one process have one monotonic clock, so any name will do. */
const ORIGIN = 'memory';

export class SharedMemory {
  readonly connection: Database;
  readonly core: SynchronousCore;

  private constructor(connection: Database) {
    this.connection = connection;
    this.core = new SynchronousCore(connection);
  }

  /** @param prepare called before any statement is prepared. @throws StoreError `STORE_DRIVER_MISSING` */
  static async open(prepare?: (connection: Database) => void): Promise<SharedMemory> {
    const driver = await loadSqlite();
    const connection = openConnection(driver, {
      ...{ path: MEMORY, synchronous: 'normal', autocheckpoint: 10_000 },
      ...(empty && { image: empty }),
    });
    if (empty === undefined) {
      migrate(connection, MEMORY);
      empty = connection.serialize();
    }
    prepare?.(connection);
    return new SharedMemory(connection);
  }

  /** A session of one store. @param core in place of the common one: something in front of it */
  session(runtime: Runtime, attempt: Attempt, core = this.core): Session {
    const clock = new StoreClock(runtime, ORIGIN);
    core.setClock(clock);
    const pause = (): Promise<void> => runtime.yield();
    const operations = new SlicedOperations({ core, attempt, pause, monotonicMs: () => runtime.monotonicMs() });
    const endedSteps = new EndedSteps({ core, attempt, pause }, operations);
    const connection = { close: () => {} };
    return new Session({
      runtime,
      connection,
      core,
      clock,
      operations,
      endedSteps,
      file: undefined,
      helper: undefined,
    });
  }

  close(): void {
    this.connection.close();
  }
}
