/** Reads the counts and the fleet of a file that the store has not opened. It writes nothing. */
import type { Database } from 'better-sqlite3';
import type { Runtime } from '../../../runtime/runtime.js';
import { retryWhileBusy } from '../../busy-retry.js';
import type { PodView, StoreStats } from '../../contract.js';
import { monotonicOrigin } from '../clock/monotonic-clock-id.js';
import { StoreClock } from '../clock/store-clock.js';
import type { Member } from '../pods/pods.js';
import { SlicedOperations, type Attempt } from '../sliced-operations.js';
import { isBusy, storeError } from '../sqlite-errors.js';
import { SynchronousCore } from '../synchronous-core.js';

const BUSY_MS = 2_000;

export interface FleetReading {
  readonly runtime: Runtime;
  readonly connection: Database;
  /** Members as `fleet()` shows them. */
  readonly views: (members: readonly Member[]) => Promise<readonly PodView[]>;
}

export async function readFleet({
  runtime,
  connection,
  views,
}: FleetReading): Promise<{ readonly counts: StoreStats; readonly pods: readonly PodView[] }> {
  const giveUp = (error: unknown): Error => storeError(error, connection.name);
  const attempt: Attempt = (operation) => retryWhileBusy(runtime, operation, { isBusy, waitLimitMs: BUSY_MS, giveUp });
  const core = new SynchronousCore(connection);
  const clock = new StoreClock(runtime, monotonicOrigin());
  await attempt(() => core.readClock(clock));
  const now = clock.now();
  const pause = (): Promise<void> => runtime.yield();
  const operations = new SlicedOperations({ core, attempt, pause, monotonicMs: () => runtime.monotonicMs() });
  const counts = await (await operations.count(now)).stats(runtime);
  return { counts, pods: await views(await attempt(() => core.members(now))) };
}
