/** The fleet services of several pods, on one clock and one real store. */
import { Fleet } from '../../../src/fleet/fleet.js';
import type { Health } from '../../../src/fleet/health.js';
import { completeOptions, resolveOptions, type FleetQOptions, type Settings } from '../../../src/options.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { sqlite } from '../../../src/sqlite.js';
import { DEFAULT_RETRY } from '../../../src/step/retry.js';
import { claimTokenOf } from '../../../src/step/crash-suspect.js';
import type { NewStep } from '../../../src/step/submission.js';
import type { Claim, PodRef, Store } from '../../../src/store/contract.js';
import { OutageTracker } from '../../../src/store/outage-tracker.js';
import { trackedStore } from '../../../src/store/tracked-store.js';
import { Announcer } from '../../../src/settlement/announcer.js';
import { Settler } from '../../../src/settlement/settler.js';
import { LateWorld, type Lateness } from '../../support/late-store.js';
import { FakePool } from './fake-pool.js';
import { Line } from './faulty-store.js';
import { log, RecordedEvents } from './recorded-events.js';

export class World {
  readonly runtime = new VirtualRuntime();
  readonly store: Store;
  readonly #inner = sqlite({ path: ':memory:' }).create({ runtime: this.runtime, log }) as Store;
  readonly #late: LateWorld | undefined;
  readonly #pods: Member[] = [];
  #submitted = 0;

  /** @param lateness how late each pod, and the test itself, sees what others have committed. Default: at once */
  constructor(lateness?: Lateness) {
    this.#late = lateness && new LateWorld(this.runtime, lateness);
    this.store = this.connection();
  }

  /** The store as another process has it. */
  connection(): Store {
    return this.#late?.over(this.#inner) ?? this.#inner;
  }

  async open(): Promise<void> {
    await this.store.open();
  }

  /** Stops everything. Nothing may be left behind. */
  async close(): Promise<void> {
    for (const pod of this.#pods) {
      pod.runtime.thaw();
      pod.line.heals();
      await this.runtime.until(pod.stop());
    }
    await this.store.close();
  }

  /** A pod that has not started, on its own machine. */
  pod(podId: string, options: FleetQOptions = {}, store = this.connection()): Member {
    const pod = new Member(podId, this.runtime.fork(), store, options);
    this.#pods.push(pod);
    return pod;
  }

  /** A pod that has started. */
  async started(podId: string, options: FleetQOptions = {}): Promise<Member> {
    const pod = this.pod(podId, options);
    await this.runtime.until(pod.start());
    return pod;
  }

  advance(ms: number): Promise<void> {
    return this.runtime.advance(ms);
  }

  async submit(count: number, given: Partial<NewStep> = {}): Promise<string[]> {
    const steps = Array.from({ length: count }, () => newStep(`step-${++this.#submitted}`, given));
    for (let from = 0; from < count; from += 500) {
      await this.runtime.until(this.store.submit(steps.slice(from, from + 500)));
    }
    return steps.map(({ stepId }) => stepId);
  }

  /** Claims due steps and gives them back, each with one more crash. */
  async crash(count: number): Promise<void> {
    const pod = { podId: 'witness', incarnation: this.runtime.uuid() };
    await this.runtime.until(this.store.register({ ...pod, heartbeatMs: 1_000, deadAfterMs: 86_400_000, meta: {} }));
    const claims = await this.claim(pod, count);
    const next = { status: 'pending', delayMs: null, charge: 0, crash: 1, result: null, error: null } as const;
    const settlements = claims.map(({ stepId, claimToken, version }) => ({ stepId, claimToken, version, ...next }));
    await this.runtime.until(this.store.settle(pod, settlements));
    await this.runtime.until(this.store.leave(pod));
  }

  /** Claims due steps in the name of an incarnation. @param alone whether that says that it held nothing */
  async claim(pod: PodRef, count: number, alone = false): Promise<readonly Claim[]> {
    const claims: Claim[] = [];
    for (let left = count; left > 0; left -= 250) {
      const token = claimTokenOf(this.runtime.uuid(), alone);
      const free = Math.min(left, 250);
      const claim = { token, free, prefetch: 0, quarantine: 1 as const, types: new Map([['work', free]]) };
      const reply = await this.runtime.until(this.store.exchange({ pod, settlements: [], claim }));
      claims.push(...reply.claims);
    }
    return claims;
  }

  async statuses(stepIds: readonly string[]): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (let from = 0; from < stepIds.length; from += 500) {
      const steps = await this.runtime.until(this.store.find(stepIds.slice(from, from + 500)));
      for (const { status } of steps) counts[status] = (counts[status] ?? 0) + 1;
    }
    return counts;
  }
}

function newStep(stepId: string, given: Partial<NewStep>): NewStep {
  return {
    stepId,
    type: 'work',
    payload: '{"type":"work"}',
    priority: 0,
    maxRetries: 3,
    delayMs: 0,
    runAt: null,
    ...given,
  };
}

/** The fleet services of a pod, with a pool that does nothing. */
export class Member {
  readonly recorded = new RecordedEvents();
  readonly pool = new FakePool();
  readonly line: Line;
  readonly fleet: Fleet;
  readonly settings: Settings;
  readonly runtime: VirtualRuntime;

  constructor(podId: string, runtime: VirtualRuntime, store: Store, options: FleetQOptions) {
    this.runtime = runtime;
    this.line = new Line(runtime);
    this.settings = completeOptions(resolveOptions({ podId, runtime, ...options }), RHYTHM);
    const { events } = this.recorded;
    const rules = { retry: DEFAULT_RETRY, maxCrashes: this.settings.maxCrashes };
    const announcer = new Announcer({ events, log, podId, wallMs: () => runtime.wallMs() });
    const settler = new Settler({ announcer, log, random: () => runtime.random(), rulesFor: () => rules });
    const outages = new OutageTracker(runtime, events, log);
    this.fleet = new Fleet({
      ...{ runtime, events, log, settler, outages },
      store: trackedStore(this.line.over(store), outages),
      settings: this.settings,
      pool: this.pool,
      version: '1.2.3',
      meta: () => ({ types: ['work'] }),
    });
  }

  get pod(): PodRef {
    return this.fleet.pod;
  }

  health(): Health {
    return this.fleet.health({ phase: 'running', uptimeMs: 0, slotDeadlockMs: 0 });
  }

  async start(): Promise<void> {
    await this.fleet.heartbeat.start();
    await this.fleet.recovery.start();
    await this.fleet.housekeeping.start();
  }

  async stop(): Promise<void> {
    await this.fleet.housekeeping.stop();
    await this.fleet.recovery.stop();
    await this.fleet.heartbeat.stop();
  }

  /** Kills its process. */
  kill(): void {
    this.runtime.freeze();
  }
}

/** SQLite's. */
const RHYTHM = {
  heartbeatIntervalMs: 2_000,
  deadAfterMs: 15_000,
  recoveryIntervalMs: 5_000,
  claimIntervalMs: 100,
  idleIntervalMs: 1_000,
  waitIntervalMs: 20,
  submitBatch: 500,
};
