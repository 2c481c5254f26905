/**
 * A started queue: the pool and the fleet's services, wired and put in order.
 *
 * Law: services start in the order heartbeat, recovery, housekeeping, pool, and stop in reverse: the heartbeat outlives
 * the drain, so peers never take live work.
 */
import type { OpenClient } from './open-client.js';
import { StoppedError } from './errors.js';
import type { Events } from './events.js';
import { electLeader } from './fleet/elector.js';
import { Fleet } from './fleet/fleet.js';
import { healthOf, type Health } from './fleet/health.js';
import { createLog } from './log.js';
import type { ResolvedOptions, Settings } from './options.js';
import { Pool, type PoolDrained } from './pool/pool.js';
import { SlotDeadlock } from './pool/slot-deadlock.js';
import type { Service } from './runtime/service.js';
import type { FleetPicture } from './stats.js';
import type { StepRegistry } from './step/registry.js';
import type { Rules } from './step/transition.js';
import type { Store } from './store/contract.js';
import { Announcer } from './settlement/announcer.js';
import { Settler } from './settlement/settler.js';
import { VERSION } from './version.js';

export class Pod {
  readonly pool: Pool;
  readonly fleet: Fleet;
  readonly #services: readonly Service[];
  readonly #slotDeadlock: SlotDeadlock;
  readonly #settings: Settings;
  #starting: Promise<void> | undefined;
  #stopping: Promise<PoolDrained> | undefined;
  #startedAt: number | undefined;

  constructor({ store, settings, submitter, outages, waiter }: OpenClient, registry: StepRegistry, events: Events) {
    const { runtime, logger, podId, meta, logPayloads } = settings;
    const random = (): number => runtime.random();
    const rulesFor = rulesOf(settings, registry);
    const settlerLog = createLog('settler', logger);
    const wallMs = (): number => runtime.wallMs();
    const announcer = new Announcer({ events, podId, wallMs, logPayloads, log: settlerLog });
    const settler = new Settler({ announcer, random, rulesFor, log: settlerLog });
    const shared = { store, runtime, events, settler, settings, registry };
    this.#settings = settings;
    this.pool = new Pool({
      ...shared,
      submitter,
      log: createLog('pool', logger),
      watch: (onChange) => store.watch(onChange),
      mayProceed: () => this.fleet.mayProceed(),
      onDrainOver: () => void waiter.stop(), // a handler that waits for a step need not read its signal
    });
    this.fleet = new Fleet({
      ...shared,
      outages,
      pool: this.pool,
      log: createLog('fleet', logger),
      version: VERSION,
      meta: () => {
        const { running, slots } = this.pool.load;
        return { ...meta, types: registry.types, running, slots, version: VERSION };
      },
    });
    const { heartbeat, recovery, housekeeping } = this.fleet;
    this.#slotDeadlock = new SlotDeadlock({
      ...shared,
      log: createLog('pool', logger),
      slots: () => this.pool.slots,
      handles: (type) => registry.get(type) !== undefined,
      awaited: (most) => waiter.untimed(most),
    });
    this.#services = [heartbeat, recovery, housekeeping, this.pool, this.#slotDeadlock];
  }

  /** @throws StoreError; StoppedError where `stop` came meanwhile. Whoever calls it stops the pod where it fails. */
  start(): Promise<void> {
    return (this.#starting ??= this.#start());
  }

  /** What the pool came to. Never rejects. */
  stop(): Promise<PoolDrained> {
    return (this.#stopping ??= this.#stop());
  }

  health(): Health {
    const since = this.#startedAt;
    const uptimeMs = since === undefined ? undefined : this.#settings.runtime.monotonicMs() - since;
    const stopping = this.#stopping !== undefined;
    return this.fleet.health(uptimeMs, { stopping, slotDeadlockMs: this.#slotDeadlock.forMs });
  }

  async #start(): Promise<void> {
    for (const service of this.#services) {
      if (this.#stopping !== undefined) throw new StoppedError('start');
      await service.start();
    }
    this.#startedAt = this.#settings.runtime.monotonicMs();
  }

  async #stop(): Promise<PoolDrained> {
    if (this.#startedAt === undefined) await this.fleet.heartbeat.stop(); // ends a start that hangs on the store
    await this.#starting?.catch(() => undefined); // whoever started has been told
    this.fleet.heartbeat.drain();
    for (const service of this.#services.toReversed()) await service.stop();
    this.#startedAt = undefined;
    return this.pool.drained;
  }
}

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

/** The fleet as this pod sees it; where it is not of the fleet (any more), as the store knows it. */
export async function fleetPicture(store: Store, pod: Pod | undefined): Promise<FleetPicture> {
  if (pod !== undefined && pod.fleet.elector.pods.length > 0) {
    const { pods, leader } = pod.fleet.elector;
    return { pods, leader, seenMsAgo: pod.fleet.fence.silentForMs };
  }
  const pods = await store.fleet();
  return { pods, leader: electLeader(pods), seenMsAgo: 0 };
}

const NOT_RUNNING = { overdueMs: 0, intervalMs: 0 };

/** The health of a queue that has no pod: it is not running. */
export function healthOfNone(options: ResolvedOptions): Health {
  return healthOf({
    podId: options.podId,
    version: VERSION,
    uptimeMs: undefined,
    stopping: false,
    hasLeft: false,
    isLeader: false,
    load: {
      running: 0,
      unstarted: 0,
      unsettled: 0,
      strays: 0,
      slots: options.concurrency,
      paused: false,
      fenced: false,
    },
    fenced: undefined,
    silentForMs: Infinity,
    deadAfterMs: Infinity,
    heartbeat: NOT_RUNNING,
    exchange: NOT_RUNNING,
    outage: undefined,
    slotDeadlockMs: 0,
    wallAheadMs: 0,
  });
}
