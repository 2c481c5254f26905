/**
 * The recovery coordinator: the leader's loop of recovery cycles, and recovery by hand.
 *
 * Invariants:
 * - One cycle runs at a time. It belongs to one term of leadership, and stops midway when that term ends.
 * - A cycle that finds nothing to do emits and writes nothing. One that fails reports that.
 * - A leader whose cycles fail or overrun three times in a row stands down.
 * - A new leader begins a cycle at once, and so does a leader that sees a pod whose process has exited.
 */
import { asError, FleetQError, StoppedError } from '../errors.js';
import type { Events, RecoverySummary } from '../events.js';
import type { Log } from '../log.js';
import type { Settings } from '../options.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import { withTimeout } from '../runtime/with-timeout.js';
import { boolean, checkFields, integer, type FieldChecks } from '../step/field-checks.js';
import type { Store } from '../store/contract.js';
import type { Settler } from '../settlement/settler.js';
import { RecoveryCycle } from './recovery-cycle.js';
import type { Elector, Leadership } from './elector.js';
import type { WorkerPool } from '../worker-pool.js';
import type { PodIdentity } from './pod-identity.js';
import type { Journal } from './journal.js';
import type { PeerWatch } from './peer-watch.js';
import type { DecidedOrphan } from './orphan-outcomes.js';
import { summaryOf, type RecoveryRecord } from './recovery-record.js';
import type { SelfFence } from './self-fence.js';
import { KEPT_CYCLES } from './journal-statements.js';
import type { LeaderFitness } from './leader-fitness.js';

export interface RecoveryParts {
  readonly runtime: Runtime;
  readonly store: Pick<Store, 'evict' | 'orphans' | 'settle' | 'list'>;
  readonly settler: Settler;
  readonly settings: Pick<Settings, 'recoveryIntervalMs'>;
  readonly identity: PodIdentity;
  readonly fence: SelfFence;
  readonly elector: Elector;
  readonly looks: PeerWatch;
  /** Woken when steps are pending again: no store tells a process of its own changes. */
  readonly pool: Pick<WorkerPool, 'wake'>;
  readonly standing: LeaderFitness;
  readonly journal: Journal;
  readonly events: Events;
  readonly log: Log;
}

/** Options of `runRecovery`. */
export interface RecoveryOptions {
  /**
   * Finds dead pods and orphans and decides what would become of them, but writes nothing. Of the orphans that exist
   * already it reads the first page only. Default false.
   */
  readonly dryRun?: boolean;
  /** Runs even if this pod does not lead. The fence of each claim keeps it safe. Default false. */
  readonly force?: boolean;
}

const RUN_FIELDS: FieldChecks = { dryRun: boolean, force: boolean };
const HISTORY_FIELDS: FieldChecks = { limit: integer(1, KEPT_CYCLES) };

export class Recovery implements Service {
  readonly #parts: RecoveryParts;
  readonly #loop: Loop;
  readonly #ended = new AbortController();
  /** The store's calls, as long as the service runs: `stop` waits for none that hangs. */
  readonly #store: RecoveryParts['store'];
  /** The last of the cycles that stand in line. */
  #line: Promise<unknown> = Promise.resolve();
  #unanswered: readonly DecidedOrphan[] = [];

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    this.#loop = new Loop(parts.runtime, () => this.#tick(), { ref: false, onError: (error) => this.#failed(error) });
    this.#store = this.#abandonable(parts.store);
    parts.elector.onElected(() => {
      void parts.journal.open();
      this.#loop.wake();
    });
    parts.looks.onExited(() => this.#loop.wake());
  }

  start(): Promise<void> {
    return this.#ended.signal.aborted ? Promise.reject(new StoppedError('start')) : this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#loop.stop();
    await this.#line;
    await this.#parts.journal.close();
  }

  /**
   * Runs a recovery cycle now, after those under way.
   *
   * @throws ValidationError `OPTION_INVALID`
   * @throws FleetQError `NOT_STARTED`; `NOT_LEADER`, unless `force`
   * @throws StoreError where the store failed: what was done until then is told by `recovery:completed`
   */
  async run(options: RecoveryOptions = {}): Promise<RecoverySummary> {
    checkFields(options, RUN_FIELDS, 'OPTION_INVALID', 'options');
    const { dryRun = false, force = false } = options;
    if (!this.#loop.running) throw new FleetQError('NOT_STARTED', 'recovery: the queue is not running');
    const record = await this.#inLine(() => {
      const leadership = force ? this.#force() : this.#parts.elector.leadership();
      if (!leadership.isLeader) {
        const why = force ? 'is fenced' : 'does not lead the fleet: pass { force: true } to run it all the same';
        throw new FleetQError('NOT_LEADER', `recovery: the pod ${this.#parts.identity.pod.podId} ${why}`);
      }
      return this.#cycle(leadership, dryRun);
    });
    return summaryOf(record);
  }

  /** The newest recovery cycles first, as this pod's journal knows them. @param options.limit 1 to 1,000, default 20 */
  history(options: { readonly limit?: number } = {}): Promise<readonly RecoveryRecord[]> {
    checkFields(options, HISTORY_FIELDS, 'OPTION_INVALID', 'options');
    const { limit = 20 } = options;
    return this.#parts.journal.history(limit);
  }

  async #tick(): Promise<number> {
    const { elector, runtime, standing, settings } = this.#parts;
    const leadership = elector.leadership();
    if (!leadership.isLeader) return Infinity; // woken when elected
    const startedAt = runtime.monotonicMs();
    await this.#inLine(() => this.#cycle(leadership, false));
    const tookMs = runtime.monotonicMs() - startedAt;
    if (tookMs > settings.recoveryIntervalMs) standing.struck();
    else standing.succeeded();
    return Math.max(0, settings.recoveryIntervalMs - tookMs);
  }

  #failed(error: unknown): number {
    if (this.#ended.signal.aborted) return Infinity;
    const { log, standing, settings } = this.#parts;
    log.warn({ error: asError(error).message }, 'a recovery cycle failed');
    standing.struck();
    return settings.recoveryIntervalMs;
  }

  async #cycle(leadership: Leadership, dryRun: boolean): Promise<RecoveryRecord> {
    const { journal, log } = this.#parts;
    const cycle = new RecoveryCycle({
      ...this.#parts,
      store: this.#store,
      pod: this.#parts.identity.pod,
      leadership,
      dryRun,
      unanswered: this.#unanswered,
    });
    const record = await cycle.run();
    if (!dryRun) this.#unanswered = cycle.unanswered;
    if (cycle.told) {
      const { requeued, failed, deadPods, durationMs } = record;
      const counts = { deadPods: deadPods.length, requeued: requeued.length, failed: failed.length };
      log.info({ cycleId: record.cycleId, dryRun, ...counts, durationMs }, 'a recovery cycle');
      if (!dryRun && requeued.length > 0) this.#parts.pool.wake();
      if (!dryRun) await journal.record(record);
      cycle.tell(record);
    }
    if (cycle.error !== undefined) throw cycle.error;
    return record;
  }

  #inLine<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#line.then(work);
    this.#line = turn.catch(() => {}); // whoever asked for it is told
    return turn;
  }

  /** Leave to run without leading, but never while fenced. */
  #force(): Leadership {
    const { fence } = this.#parts;
    return {
      get isLeader() {
        return fence.mayProceed();
      },
    };
  }

  #abandonable(store: RecoveryParts['store']): RecoveryParts['store'] {
    const call = <T>(work: () => Promise<T>): Promise<T> =>
      withTimeout(this.#parts.runtime, work, { signal: this.#ended.signal });
    return {
      evict: (pods) => call(() => store.evict(pods)),
      orphans: (query) => call(() => store.orphans(query)),
      settle: (pod, settlements) => call(() => store.settle(pod, settlements)),
      list: (filter) => call(() => store.list(filter)),
    };
  }
}
