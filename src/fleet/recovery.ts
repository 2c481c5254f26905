/**
 * Runs recovery cycles: in a loop while this pod leads, and on request.
 *
 * Invariants:
 * - One cycle runs at a time. It belongs to one term of leadership, and stops midway when that term ends.
 * - A cycle that finds nothing to do emits and writes nothing. A cycle that fails reports the failure.
 * - A leader whose cycles fail, or take longer than the interval, three times in a row is not eligible for a while.
 * - A new leader begins a cycle at once, and so does a leader that sees a pod whose process has exited.
 */
import { FleetQError, StoppedError } from '../errors.js';
import { EVENT_LINES, logEvent, type Events, type RecoverySummary } from '../events.js';
import { loggedError, type Log } from '../log.js';
import type { Settings } from '../options.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import { withTimeout } from '../runtime/with-timeout.js';
import type { Settler } from '../settlement/settler.js';
import { boolean, checkFields, integer, type FieldChecks } from '../input/field-checks.js';
import type { Store } from '../store/contract.js';
import type { WorkerPool } from '../pool-interface.js';
import type { Elector, Leadership } from './elector.js';
import { KEPT_CYCLES } from './journal-statements.js';
import type { Journal } from './journal.js';
import type { LeaderFitness } from './leader-fitness.js';
import type { DecidedOrphan } from './decide-orphans.js';
import type { PeerWatch } from './peer-watch.js';
import type { OwnIncarnation } from './own-incarnation.js';
import { RecoveryCycle } from './recovery-cycle.js';
import { summaryOf, type RecoveryRecord } from './recovery-record.js';
import type { SelfFence } from './self-fence.js';

type RecoveryStore = Pick<Store, 'evict' | 'orphans' | 'settle' | 'list'>;

export interface RecoveryDependencies {
  readonly runtime: Runtime;
  readonly store: RecoveryStore;
  readonly settler: Settler;
  readonly settings: Pick<Settings, 'recoveryIntervalMs'>;
  readonly identity: OwnIncarnation;
  readonly fence: SelfFence;
  readonly elector: Elector;
  readonly peers: PeerWatch;
  /** Woken when steps are pending again: no store notifies a process of its own changes. */
  readonly pool: Pick<WorkerPool, 'wake'>;
  readonly fitness: LeaderFitness;
  readonly journal: Journal;
  readonly events: Events;
  readonly log: Log;
}

/** Options of `runRecovery`. */
export interface RecoveryOptions {
  /**
   * Finds dead pods and orphans and decides what would become of them, but writes nothing. It reads only the first page
   * of the existing orphans. Default false.
   */
  readonly dryRun?: boolean;
  /**
   * Runs even if this pod does not lead. This is safe, because each settlement is checked by the fence of its claim.
   * Default false.
   */
  readonly force?: boolean;
}

const RUN_FIELDS: FieldChecks = { dryRun: boolean, force: boolean };
const HISTORY_FIELDS: FieldChecks = { limit: integer(1, KEPT_CYCLES) };

export class Recovery implements Service {
  readonly #deps: RecoveryDependencies;
  readonly #loop: Loop;
  readonly #ended = new AbortController();
  /** The store. When the service stops, its calls are abandoned, so `stop` does not wait for a call that hangs. */
  readonly #store: RecoveryStore;
  /** Settles when the last queued cycle has ended. */
  #queue: Promise<unknown> = Promise.resolve();
  /** The error of the last cycle that failed. Its line is written. */
  #reportedError: Error | undefined;
  #unanswered: readonly DecidedOrphan[] = [];

  constructor(deps: RecoveryDependencies) {
    this.#deps = deps;
    this.#loop = new Loop(deps.runtime, () => this.#tick(), { ref: false, onError: (error) => this.#failed(error) });
    this.#store = this.#abandonable(deps.store);
    deps.elector.onElected(() => {
      void deps.journal.open();
      this.#loop.wake();
    });
    deps.peers.onExited(() => this.#loop.wake());
  }

  start(): Promise<void> {
    return this.#ended.signal.aborted ? Promise.reject(new StoppedError('start')) : this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#loop.stop();
    await this.#queue;
    await this.#deps.journal.close();
  }

  /** Whether the loop runs a cycle, or this pod leads and watches a silent peer, which it will evict. */
  get busy(): boolean {
    const { elector, peers } = this.#deps;
    return this.#loop.busy || (elector.isLeader && peers.anySilent);
  }

  /**
   * Runs a recovery cycle as soon as the cycles that have begun are finished.
   *
   * @throws ValidationError `OPTION_INVALID`
   * @throws FleetQError `NOT_STARTED`; `NOT_LEADER`, unless `force`
   * @throws StoreError if the store failed; `recovery:completed` reports the steps that were handled until then
   */
  async run(options: RecoveryOptions = {}): Promise<RecoverySummary> {
    checkFields(options, RUN_FIELDS, 'OPTION_INVALID', 'options');
    const { dryRun = false, force = false } = options;
    if (!this.#loop.running) throw new FleetQError('NOT_STARTED', 'recovery: the queue is not running');
    const record = await this.#inTurn(() => {
      const leadership = force ? this.#forced() : this.#deps.elector.leadership();
      if (!leadership.isLeader) {
        const isAsleep = this.#deps.fence.reason === undefined;
        const why = force
          ? `is ${isAsleep ? 'asleep' : 'fenced'}`
          : 'does not lead the fleet; pass { force: true } to run it anyway';
        throw new FleetQError('NOT_LEADER', `recovery: the pod ${this.#deps.identity.pod.podId} ${why}`);
      }
      return this.#cycle(leadership, dryRun);
    });
    return structuredClone(summaryOf(record)); // the journal keeps the record
  }

  /** Recovery cycles from this pod's journal, the newest first. @param options.limit 1 to 1,000, default 20 */
  history(options: { readonly limit?: number } = {}): Promise<readonly RecoveryRecord[]> {
    checkFields(options, HISTORY_FIELDS, 'OPTION_INVALID', 'options');
    const { limit = 20 } = options;
    return this.#deps.journal.history(limit);
  }

  async #tick(): Promise<number> {
    const { elector, runtime, fitness, settings } = this.#deps;
    const leadership = elector.leadership();
    if (!leadership.isLeader) return Infinity; // woken when elected
    const startedAt = runtime.monotonicMs();
    await this.#inTurn(() => this.#cycle(leadership, false));
    const tookMs = runtime.monotonicMs() - startedAt;
    if (tookMs > settings.recoveryIntervalMs) fitness.bad();
    else fitness.good();
    return Math.max(0, settings.recoveryIntervalMs - tookMs);
  }

  #failed(error: unknown): number {
    if (this.#ended.signal.aborted) return Infinity;
    const { log, fitness, settings } = this.#deps;
    const retryInMs = settings.recoveryIntervalMs;
    if (error !== this.#reportedError) log.warn({ error: loggedError(error), retryInMs }, 'recovery cycle failed');
    fitness.bad();
    return retryInMs;
  }

  async #cycle(leadership: Leadership, dryRun: boolean): Promise<RecoveryRecord> {
    const { runtime, settler, peers, events, journal, log, pool, identity } = this.#deps;
    const [store, unanswered] = [this.#store, this.#unanswered];
    const { pod } = identity;
    const cycle = new RecoveryCycle({
      ...{ runtime, store, settler, peers, events, log, pod, leadership, dryRun, unanswered },
    });
    const record = await cycle.run();
    if (!dryRun) this.#unanswered = cycle.unanswered;
    if (cycle.reported) {
      this.#logCompleted(record, cycle.error);
      if (!dryRun && record.requeued.length > 0) pool.wake();
      if (!dryRun) await journal.record(record);
      cycle.emitCompleted(record);
    }
    if (cycle.error !== undefined) throw cycle.error;
    return record;
  }

  #logCompleted({ cycleId, dryRun, requeued, failed, deadPods, durationMs }: RecoveryRecord, error?: Error): void {
    const counts = { deadPods: deadPods.length, requeued: requeued.length, failed: failed.length };
    const fields = { cycleId, dryRun, ...counts, durationMs };
    if (error === undefined) return logEvent(this.#deps.log, EVENT_LINES.recoveryCompleted, fields);
    this.#reportedError = error;
    logEvent(this.#deps.log, EVENT_LINES.recoveryFailed, { ...fields, error: loggedError(error) });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => {}); // the caller gets the error
    return turn;
  }

  /** A forced cycle may run on a pod that does not lead, but never on a pod that is fenced. */
  #forced(): Leadership {
    const { fence } = this.#deps;
    return {
      get isLeader() {
        return fence.mayProceed();
      },
    };
  }

  #abandonable(store: RecoveryStore): RecoveryStore {
    const call = <T>(work: () => Promise<T>): Promise<T> =>
      withTimeout(this.#deps.runtime, work, { signal: this.#ended.signal });
    return {
      evict: (pods) => call(() => store.evict(pods)),
      orphans: (query) => call(() => store.orphans(query)),
      settle: (pod, settlements) => call(() => store.settle(pod, settlements)),
      list: (filter) => call(() => store.list(filter)),
    };
  }
}
