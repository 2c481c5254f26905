/** This pod's part in the fleet: wires the services below, and has no logic of its own. */
import type { Events } from '../events.js';
import type { Log } from '../log.js';
import type { Settings } from '../options.js';
import type { Runtime } from '../runtime/runtime.js';
import type { PodRef, PodView, Store } from '../store/contract.js';
import type { OutageTracker } from '../store/outage-tracker.js';
import type { Settler } from '../settlement/settler.js';
import { Elector } from './elector.js';
import { healthOf, type Health, type HealthParts } from './health.js';
import { Heartbeat } from './heartbeat.js';
import type { WorkerPool } from '../worker-pool.js';
import { Housekeeping } from './housekeeping.js';
import { PodIdentity } from './pod-identity.js';
import { Journal } from './journal.js';
import { PeerWatch } from './peer-watch.js';
import { Recovery } from './recovery.js';
import { SelfFence } from './self-fence.js';
import { LeaderFitness } from './leader-fitness.js';
import { WallClockCheck } from './wall-clock-check.js';

export interface FleetParts<S> {
  readonly runtime: Runtime;
  readonly store: Store;
  readonly settings: Settings;
  /** The outages of the store. */
  readonly outages: Pick<OutageTracker, 'current'>;
  readonly pool: WorkerPool<S>;
  readonly settler: Settler;
  readonly events: Events;
  readonly log: Log;
  readonly version: string;
  /** What the pod tells its peers about itself; asked for each heartbeat. */
  readonly meta: () => Readonly<Record<string, unknown>>;
}

/** What a health report takes from the queue around the fleet's services. */
type QueueHealth = Partial<Pick<HealthParts, 'stopping' | 'slotDeadlockMs'>>;

/** Services start in the order heartbeat, recovery, housekeeping, then the pool, and stop in reverse. */
export class Fleet<S> {
  readonly heartbeat: Heartbeat<S>;
  readonly recovery: Recovery;
  readonly housekeeping: Housekeeping;
  readonly elector: Elector;
  readonly fence: SelfFence;
  readonly #parts: FleetParts<S>;
  readonly #identity: PodIdentity;
  readonly #wall: WallClockCheck;

  constructor(parts: FleetParts<S>) {
    const { runtime, settings } = parts;
    const identity = new PodIdentity(runtime, settings.podId);
    const looks = new PeerWatch(runtime, settings, parts.store.staleReadMs);
    const standing = new LeaderFitness(runtime, settings);
    const journal = new Journal({ ...parts, path: settings.journalPath });
    const fence = new SelfFence({ ...parts, identity });
    const elector = new Elector({ ...parts, fence });
    const wall = new WallClockCheck(parts);
    const shared = { ...parts, identity, looks, standing, fence, elector, wall };
    this.#parts = parts;
    this.#identity = identity;
    this.#wall = wall;
    this.fence = fence;
    this.elector = elector;
    this.heartbeat = new Heartbeat(shared);
    this.recovery = new Recovery({ ...shared, journal });
    this.housekeeping = new Housekeeping(shared);
  }

  /** Who this process is in the fleet now. */
  get pod(): PodRef {
    return this.#identity.pod;
  }

  /** Who leads, as of the last answered heartbeat. */
  get leader(): PodView | undefined {
    return this.elector.leader;
  }

  /** The guard that the pool asks before it starts or settles anything; see {@link SelfFence.mayProceed}. */
  readonly mayProceed = (): boolean => this.fence.mayProceed();

  /** @param uptimeMs for how long the queue has been running; `undefined`: it is not */
  health(uptimeMs: number | undefined, queue: QueueHealth = {}): Health {
    const { settings, pool, outages, version } = this.#parts;
    return healthOf({
      podId: settings.podId,
      version,
      uptimeMs,
      stopping: queue.stopping ?? false,
      outage: outages.current,
      slotDeadlockMs: queue.slotDeadlockMs ?? 0,
      hasLeft: this.heartbeat.hasLeft,
      isLeader: this.elector.isLeader,
      load: pool.load,
      fenced: this.fence.reason,
      silentForMs: this.fence.silentForMs,
      deadAfterMs: settings.deadAfterMs,
      heartbeat: { overdueMs: this.heartbeat.overdueMs, intervalMs: settings.heartbeatIntervalMs },
      exchange: { overdueMs: pool.overdueMs, intervalMs: settings.idleIntervalMs },
      wallAheadMs: this.#wall.differsByMs,
    });
  }
}
