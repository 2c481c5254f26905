/** A pool on a virtual clock and a store in memory, with its events recorded. */
import { onTestFinished } from 'vitest';
import { EVENT_NAMES, Events, type EventName } from '../../../src/events.js';
import { createLog, type Logger } from '../../../src/log.js';
import { completeOptions, resolveOptions, type FleetQOptions } from '../../../src/options.js';
import { Pool, type PoolDependencies } from '../../../src/pool/pool.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import type { StepContext } from '../../../src/step/handler-context.js';
import type { StepTypeOptions } from '../../../src/step/type-map.js';
import { StepRegistry } from '../../../src/step/step-registry.js';
import type { FreshClaim, PodRef, Rhythm, SleepRhythm } from '../../../src/store/contract.js';
import { Announcer } from '../../../src/settlement/announcer.js';
import { Settler } from '../../../src/settlement/settler.js';
import { MemoryStore } from './memory-store.js';
import { noSubmitter } from './no-submitter.js';

const RHYTHM: Rhythm = {
  ...{ heartbeatIntervalMs: 2_000, deadAfterMs: 15_000, recoveryIntervalMs: 5_000, claimIntervalMs: 100 },
  ...{ idleIntervalMs: 1_000, waitIntervalMs: 20, submitBatch: 500 },
};

const SLEEP: SleepRhythm = {
  quietForMs: 30_000,
  pollIntervalMs: 10_000,
  checkIntervalMs: 3_600_000,
  lookIntervalMs: 21_600_000,
};

export const POD: PodRef = { podId: 'pod-a', incarnation: 'life-1' };
export const NEXT_LIFE: PodRef = { podId: 'pod-a', incarnation: 'life-2' };

export type Handler = (args: any, ctx: StepContext) => unknown;
export type Handlers = Record<string, Handler | (StepTypeOptions & { run: Handler; args?: unknown })>;

export interface RigOptions extends FleetQOptions {
  readonly watch?: PoolDependencies['watch'];
  readonly mayProceed?: () => boolean;
  readonly onDrainOver?: () => void;
  /** The chance in retry delays. Default: always the middle. */
  readonly random?: () => number;
  /** How late the store says that its reads may be. Default 0. */
  readonly staleReadMs?: number;
  /** Whether the store lets idle pods sleep. Default: no. */
  readonly sleeps?: boolean;
  /** Another pool of the same process: its clock is this one's. */
  readonly beside?: Rig;
}

export class Rig {
  readonly runtime: VirtualRuntime;
  readonly store: MemoryStore;
  readonly emitted: { readonly name: EventName; readonly payload: any }[] = [];
  readonly logged: { readonly level: string; readonly message: string; readonly fields: any }[] = [];
  readonly pool: Pool;
  readonly #beside: Rig | undefined;
  /** Called from a listener, as a handler is about to be called. */
  onStarted: (stepId: string) => void = () => undefined;

  constructor(
    handlers: Handlers,
    {
      watch,
      mayProceed,
      onDrainOver,
      random = () => 0.5,
      beside,
      staleReadMs = 0,
      sleeps = false,
      ...options
    }: RigOptions = {},
  ) {
    const runtime = (this.runtime = beside?.runtime ?? new VirtualRuntime());
    const store = (this.store = new MemoryStore(runtime, staleReadMs, sleeps ? SLEEP : undefined));
    this.#beside = beside;
    const write = (level: string) => (fields: object, message: string) => {
      this.logged.push({ level, message, fields });
    };
    const logger: Logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
    const log = createLog('pool', logger);
    const events = new Events(log);
    for (const name of EVENT_NAMES) {
      if (name === 'exchange:completed') continue; // there are many: a test listens itself
      events.on(name, (payload: unknown) => void this.emitted.push({ name, payload }));
    }
    events.on('step:started', ({ stepId }: { stepId: string }) => this.onStarted(stepId));
    const registry = new StepRegistry();
    for (const [type, given] of Object.entries(handlers)) {
      registry.add(typeof given === 'function' ? { type, run: given } : { type, ...given });
    }
    const settings = completeOptions(
      resolveOptions({ maxParallelism: 4, capacityThreshold: 1, podId: POD.podId, ...options }),
      RHYTHM,
    );
    const announcer = new Announcer({ events, log, podId: POD.podId, wallMs: () => runtime.wallMs() });
    const settler = new Settler({
      ...{ announcer, log, random },
      rulesFor: (type) => ({ retry: { ...settings.retry, ...registry.get(type)?.retry }, maxCrashes: 3 }),
    });
    const parts = { runtime, store, events, log, settler, settings, registry, submitter: noSubmitter };
    const hooks = { ...(watch && { watch }), ...(mayProceed && { mayProceed }), ...(onDrainOver && { onDrainOver }) };
    this.pool = new Pool({ ...parts, ...hooks });
  }

  /** The payloads of the events of this name. */
  events(name: EventName): any[] {
    return this.emitted.filter((event) => event.name === name).map(({ payload }) => payload as unknown);
  }

  async start(): Promise<this> {
    this.pool.admit(POD);
    await this.pool.start();
    await this.runtime.settle();
    return this;
  }

  /** Stops the pool, and holds it to leave no timer behind. */
  async stop(): Promise<void> {
    await this.runtime.until(this.pool.stop());
    if (this.#beside === undefined && this.runtime.pending > 0) throw new Error(`${this.runtime.pending} timers left`);
  }
}

/** A running pool that is stopped when the test ends. */
export async function running(
  handlers: Handlers,
  options: RigOptions = {},
  prepare?: (rig: Rig) => void,
): Promise<Rig> {
  const rig = new Rig(handlers, options);
  prepare?.(rig);
  await rig.start();
  onTestFinished(() => rig.stop());
  return rig;
}

/** A claim, for tests that need no store. */
export function claimOf(stepId: string, type: string, given: Partial<FreshClaim> = {}): FreshClaim {
  const rest = { priority: 0, retryCount: 0, maxRetries: 3, crashes: 0, version: 1, runAt: 0, createdAt: 0 };
  const due = { dueForMs: 0 };
  return { stepId, type, claimToken: `token-${stepId}`, payload: '{}', ...rest, ...due, ...given };
}

/** A promise that is settled by hand. */
export function gate<T = void>() {
  let open!: (value: T) => void;
  let fail!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { promise, open, fail };
}
