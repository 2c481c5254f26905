/**
 * An open store: a connection with its core and its clock, the file, and the helper.
 *
 * Invariants:
 * - The store's clock never falls behind the newest heartbeat in the file. It is read again every second.
 * - The helper closes last. The connection that closes last does the last checkpoint, which must not block this thread.
 */
import type { Runtime } from '../../../runtime/runtime.js';
import type { Instant, StoreClock } from '../clock/store-clock.js';
import type { WatchedFile } from '../file/commit-watch.js';
import type { ReplacedFile } from '../file/replaced-file.js';
import type { StoreHelper } from '../helper/store-helper.js';
import type { EndedSteps } from '../reading/ended-steps.js';
import type { SlicedOperations } from '../sliced-operations.js';
import type { SynchronousCore } from '../synchronous-core.js';

/** How old the newest heartbeat that this process knows may be. */
const NEWEST_HEARTBEAT_MS = 1_000;

export interface SessionDependencies {
  readonly runtime: Runtime;
  readonly connection: { close(): void };
  readonly core: SynchronousCore;
  readonly clock: StoreClock;
  readonly operations: SlicedOperations;
  readonly endedSteps: EndedSteps;
  /** `undefined` in memory. */
  readonly file: ReplacedFile | undefined;
  /** `undefined` in memory, where another connection would have a database of its own. */
  readonly helper: StoreHelper | undefined;
}

export class Session {
  readonly core: SynchronousCore;
  readonly operations: SlicedOperations;
  readonly endedSteps: EndedSteps;
  readonly #deps: SessionDependencies;
  #heardAt: number;

  constructor(deps: SessionDependencies) {
    this.#deps = deps;
    this.core = deps.core;
    this.operations = deps.operations;
    this.endedSteps = deps.endedSteps;
    this.#heardAt = deps.runtime.monotonicMs();
  }

  /** This session, if its file is still the one at the path. @throws StoreError `STORE_FILE_REPLACED` */
  checked(): this {
    this.#deps.file?.check();
    return this;
  }

  /** For the commit watch; `undefined` in memory. */
  get watched(): WatchedFile | undefined {
    const { core, file } = this.#deps;
    if (file === undefined) return undefined;
    return { path: file.path, dataVersion: () => core.dataVersion(), onMoved: () => void file.checkNow() };
  }

  /** The store's clock, in epoch ms. */
  now(): number {
    const { runtime, clock, core } = this.#deps;
    if (runtime.monotonicMs() - this.#heardAt > NEWEST_HEARTBEAT_MS) {
      clock.heard(core.newestHeartbeat());
      this.#heardAt = runtime.monotonicMs();
    }
    return clock.now();
  }

  instant(): Instant {
    this.now();
    return this.#deps.clock.instant();
  }

  /** Counts written rows, which bring about checkpoints. Returns `result`. */
  wrote<T>(rows: number, result: T): T {
    this.#deps.helper?.wrote(rows);
    return result;
  }

  /** Runs a long operation on the helper thread; without one, in small pieces on this thread. */
  async long<T>(
    byHelper: (helper: StoreHelper) => Promise<T>,
    inline: (operations: SlicedOperations) => Promise<T>,
  ): Promise<T> {
    const { helper, operations } = this.#deps;
    if (helper?.usable !== true) return inline(operations);
    try {
      return await byHelper(helper);
    } catch (error) {
      if (helper.usable) throw error;
      return inline(operations);
    }
  }

  /** The store closes: calls in progress do not wait for a helper that hangs. */
  abandonHungHelper(): void {
    void this.#deps.helper?.abandonIfHung();
  }

  async close(): Promise<void> {
    this.#deps.connection.close();
    await this.#deps.helper?.close();
  }
}
