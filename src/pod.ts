/**
 * A started queue: wires the pool and the fleet's services, and starts and stops them in order.
 *
 * Invariants:
 * - Services start in the order heartbeat, recovery, housekeeping, pool, and stop in reverse. The heartbeat outlives the
 *   drain, so that no other pod takes a step that still runs.
 * - A stop during the start ends the start.
 */
import type { OpenClient } from './open-client.js';
import { StoppedError } from './errors.js';
import type { Events } from './events.js';
import { Fleet } from './fleet/fleet.js';
import { healthOf, type Health, type Phase } from './fleet/health.js';
import { createLog, type Log } from './log.js';
import type { ResolvedOptions, Settings } from './options.js';
import { Pool, type PoolDrained } from './pool/pool.js';
import { SlotDeadlock } from './pool/slot-deadlock.js';
import type { Service } from './runtime/service.js';
import type { StepRegistry } from './step/step-registry.js';
import type { Rules } from './step/decide-transition.js';
import type { FailingOperation } from './store/outage-tracker.js';
import { Announcer } from './settlement/announcer.js';
import { Settler } from './settlement/settler.js';
import { VERSION } from './version.js';

export class Pod {
  readonly pool: Pool;
  readonly fleet: Fleet;
  readonly #services: readonly Service[];
  readonly #slotDeadlock: SlotDeadlock;
  readonly #settings: Settings;
  readonly #log: Log;
  #starting: Promise<void> | undefined;
  #stopping: Promise<PoolDrained> | undefined;
  #startedAt: number | undefined;

  constructor({ store, settings, submitter, outages, waiter }: OpenClient, registry: StepRegistry, events: Events) {
    const { runtime, logger, podId, meta, logPayloads } = settings;
    const random = (): number => runtime.random();
    const rulesFor = rulesOf(settings, registry);
    const settlerLog = createLog('settler', logger, { podId });
    const wallMs = (): number => runtime.wallMs();
    const announcer = new Announcer({ events, podId, wallMs, logPayloads, log: settlerLog });
    const settler = new Settler({ announcer, random, rulesFor, log: settlerLog });
    this.#settings = settings;
    this.#log = createLog('queue', logger, { podId });
    this.pool = new Pool({
      store,
      runtime,
      events,
      settler,
      settings,
      registry,
      submitter,
      log: createLog('pool', logger, { podId }),
      watch: (onChange) => store.watch(onChange),
      mayProceed: () => this.fleet.mayProceed(),
      onDrainOver: () => void waiter.stop(), // ends handlers that wait for a step and ignore their signal
    });
    this.fleet = new Fleet({
      store,
      runtime,
      events,
      settler,
      settings,
      outages,
      pool: this.pool,
      log: createLog('fleet', logger, { podId }),
      version: VERSION,
      meta: () => {
        const { running, slots, strays } = this.pool.load;
        const { wallAheadMs } = this.fleet;
        const clock = wallAheadMs === 0 ? {} : { wallAheadMs };
        return { ...meta, types: registry.types, running, slots, strays, version: VERSION, ...clock };
      },
    });
    const { heartbeat, recovery, housekeeping, sleep } = this.fleet;
    this.#slotDeadlock = new SlotDeadlock({
      store,
      runtime,
      log: createLog('pool', logger, { podId }),
      slots: () => this.pool.slots,
      handles: (type) => registry.get(type) !== undefined,
      awaited: (most) => waiter.untimed(most),
    });
    this.#services = [heartbeat, recovery, housekeeping, sleep, this.pool, this.#slotDeadlock];
  }

  /** @throws StoreError; StoppedError if `stop` was called meanwhile. If it fails, the caller stops the pod. */
  start(): Promise<void> {
    return (this.#starting ??= this.#start());
  }

  /** Never rejects. */
  stop(): Promise<PoolDrained> {
    return (this.#stopping ??= this.#stop());
  }

  health(): Health {
    const since = this.#startedAt;
    const uptimeMs = since === undefined ? 0 : this.#settings.runtime.monotonicMs() - since;
    return this.fleet.health({ phase: this.#phase, uptimeMs, slotDeadlockMs: this.#slotDeadlock.forMs });
  }

  get #phase(): Phase {
    if (this.#startedAt === undefined) return this.#stopping === undefined ? 'starting' : 'stopped';
    return this.#stopping === undefined ? 'running' : 'stopping';
  }

  async #start(): Promise<void> {
    for (const service of this.#services) {
      if (this.#stopping !== undefined) throw new StoppedError('start');
      await service.start();
    }
    this.#startedAt = this.#settings.runtime.monotonicMs();
  }

  async #stop(): Promise<PoolDrained> {
    const { running } = this.pool.load;
    const { drainTimeoutMs } = this.#settings;
    this.#log.info({ running, drainTimeoutMs }, 'stopping: running handlers may finish within the drain time');
    if (this.#startedAt === undefined) await this.fleet.heartbeat.stop(); // ends a start that waits for the store
    await this.#starting?.catch(() => undefined); // the caller of `start` gets this error
    this.fleet.heartbeat.drain();
    for (const service of this.#services.toReversed()) await service.stop();
    this.#startedAt = undefined;
    return this.pool.drained;
  }
}

/** The retry and crash rules of each step type on this pod. */
function rulesOf(settings: Settings, registry: StepRegistry): (type: string) => Rules {
  const { maxCrashes, retry } = settings;
  const common: Rules = { maxCrashes, retry };
  const own = new Map<string, Rules>();
  for (const type of registry.types) {
    const overrides = registry.get(type)?.retry;
    if (overrides !== undefined) own.set(type, { maxCrashes, retry: { ...retry, ...overrides } });
  }
  return (type) => own.get(type) ?? common;
}

/** What the health of a queue without a pod is about. */
export interface PodlessState {
  readonly phase: Phase;
  readonly paused: boolean;
  /** The last call of the store, if it failed. */
  readonly outage: FailingOperation | undefined;
}

/** The health of a queue that has no pod, because it is not running. */
export function healthWithoutPod(options: ResolvedOptions, { phase, paused, outage }: PodlessState): Health {
  return healthOf({
    podId: options.podId,
    version: VERSION,
    phase,
    uptimeMs: 0,
    hasLeft: false,
    isLeader: false,
    load: {
      running: 0,
      unstarted: 0,
      unsettled: 0,
      strays: 0,
      slots: options.concurrency,
      paused,
      fenced: false,
    },
    fenced: undefined,
    asleep: false,
    pacing: undefined,
    silentForMs: Infinity,
    deadAfterMs: Infinity,
    heartbeatLateMs: 0,
    exchangeLateMs: 0,
    outage,
    slotDeadlockMs: 0,
    wallAheadMs: 0,
  });
}
