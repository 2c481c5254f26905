/** Wires the services that make this process a pod of the fleet. It has no logic of its own. */
import type { Events } from '../events.js';
import type { Log } from '../log.js';
import type { Settings } from '../options.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Settler } from '../settlement/settler.js';
import type { PodRef, PodView, Store } from '../store/contract.js';
import type { OutageTracker } from '../store/outage-tracker.js';
import type { WorkerPool } from '../pool-interface.js';
import { Elector } from './elector.js';
import { healthOf, type Health, type HealthInputs } from './health.js';
import { Heartbeat } from './heartbeat.js';
import { HeartbeatPace } from './heartbeat-pace.js';
import { Housekeeping } from './housekeeping.js';
import { Journal } from './journal.js';
import { LeaderFitness } from './leader-fitness.js';
import { PeerWatch } from './peer-watch.js';
import { OwnIncarnation } from './own-incarnation.js';
import { Recovery } from './recovery.js';
import { SelfFence } from './self-fence.js';
import { Sleep } from './sleep.js';
import { WallClockCheck } from './wall-clock-check.js';

export interface FleetDependencies {
  readonly runtime: Runtime;
  readonly store: Store;
  readonly settings: Settings;
  /** The outages of the store. */
  readonly outages: Pick<OutageTracker, 'current'>;
  readonly pool: WorkerPool;
  readonly settler: Settler;
  readonly events: Events;
  readonly log: Log;
  readonly version: string;
  /** What the pod publishes about itself with each heartbeat. */
  readonly meta: () => Readonly<Record<string, unknown>>;
}

/** What a health report takes from the queue around the fleet's services. */
type QueueHealth = Pick<HealthInputs, 'phase' | 'uptimeMs' | 'slotDeadlockMs'>;

/** Services start in the order heartbeat, recovery, housekeeping, then the pool, and stop in reverse. */
export class Fleet {
  readonly heartbeat: Heartbeat;
  readonly recovery: Recovery;
  readonly housekeeping: Housekeeping;
  readonly sleep: Sleep;
  readonly elector: Elector;
  readonly fence: SelfFence;
  readonly #deps: FleetDependencies;
  readonly #identity: OwnIncarnation;
  readonly #wallClock: WallClockCheck;
  readonly #pace: HeartbeatPace;

  constructor(deps: FleetDependencies) {
    const { runtime, store, settings, pool, settler, events, log, meta } = deps;
    const identity = new OwnIncarnation(runtime, settings.podId);
    const peers = new PeerWatch(runtime, settings, store.staleReadMs);
    const fitness = new LeaderFitness(runtime, settings, log);
    const journal = new Journal({ runtime, events, log, path: settings.journalPath });
    const pace = new HeartbeatPace(settings, store.rhythm.heartbeatPerPodMs);
    const fence = new SelfFence({ runtime, pace, identity, pool, events, log });
    const elector = new Elector(fence, events, log);
    const wallClock = new WallClockCheck(log);
    this.#deps = deps;
    this.#identity = identity;
    this.#wallClock = wallClock;
    this.#pace = pace;
    this.fence = fence;
    this.elector = elector;
    this.heartbeat = new Heartbeat({
      runtime,
      store,
      settings,
      pace,
      identity,
      pool,
      events,
      log,
      meta,
      fence,
      elector,
      peers,
      fitness,
      wallClock,
    });
    this.recovery = new Recovery({
      runtime,
      store,
      settings,
      identity,
      pool,
      settler,
      events,
      log,
      fence,
      elector,
      peers,
      fitness,
      journal,
    });
    this.housekeeping = new Housekeeping({ runtime, store, settings, elector, log });
    const atWork = (): boolean => this.recovery.busy || this.housekeeping.busy;
    this.sleep = new Sleep({ runtime, store, identity, pool, heartbeat: this.heartbeat, atWork, events, log });
  }

  /** Who this process is in the fleet now. */
  get pod(): PodRef {
    return this.#identity.pod;
  }

  /** The leader, as of the last answered heartbeat. */
  get leader(): PodView | undefined {
    return this.elector.leader;
  }

  /** How far this pod's wall clock is ahead of the store's, in ms; 0 if they agree. */
  get wallAheadMs(): number {
    return this.#wallClock.aheadMs;
  }

  /** The pool calls this before it starts or settles anything; see {@link SelfFence.mayProceed}. */
  readonly mayProceed = (): boolean => this.fence.mayProceed();

  health(queue: QueueHealth): Health {
    const { settings, store, pool, outages, version } = this.#deps;
    return healthOf({
      podId: settings.podId,
      version,
      ...queue,
      outage: outages.current,
      hasLeft: this.heartbeat.hasLeft,
      isLeader: this.elector.isLeader,
      load: pool.load,
      fenced: this.fence.reason,
      asleep: this.sleep.asleep,
      pacing: store.pacing,
      silentForMs: Math.min(this.fence.silentForMs, this.sleep.wokenForMs),
      deadAfterMs: this.#pace.deadAfterMs,
      heartbeatLateMs: this.heartbeat.overdueMs - this.fence.stoodStillMs,
      exchangeLateMs: pool.overdueMs - this.fence.stoodStillMs,
      wallAheadMs: this.#wallClock.aheadMs,
    });
  }
}
