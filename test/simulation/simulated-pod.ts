/** A whole pod on its own machine: its clocks, its connection to the store, its pool and its fleet services. */
import { completeOptions, resolveOptions, type FleetQOptions, type Settings } from '../../src/options.js';
import { Pod } from '../../src/pod.js';
import { sleep } from '../../src/runtime/runtime.js';
import type { VirtualRuntime } from '../../src/runtime/virtual-runtime.js';
import { StepRegistry } from '../../src/step/step-registry.js';
import type { PodRef, Store } from '../../src/store/contract.js';
import { resolveOptions as sqliteOptions } from '../../src/store/sqlite/options.js';
import { NO_PROOF } from '../../src/store/sqlite/pods/process-table.js';
import { SqliteStore } from '../../src/store/sqlite/store.js';
import { Line } from '../fleet/support/faulty-store.js';
import { log, RecordedEvents } from '../fleet/support/recorded-events.js';
import type { VirtualProcess } from '../support/virtual-host.js';

/** How a pod differs from the others. */
export interface PodGiven {
  readonly options?: FleetQOptions;
  /** The longest that an exchange takes, each way. Default 0. */
  readonly latencyMs?: number;
  /** What its store is decorated with. */
  readonly over?: (store: Store) => Store;
  /** What its handler does. Default: it sleeps for a while. */
  readonly work?: (pod: SimulatedPod, stepId: string, signal: AbortSignal) => Promise<unknown>;
}

export class SimulatedPod {
  readonly recorded = new RecordedEvents();
  readonly machine: VirtualRuntime;
  readonly line: Line;
  readonly pod: Pod;
  readonly settings: Settings;
  /** Every incarnation that it has had. */
  readonly incarnations = new Set<string>();
  /** Killed, or stopped. */
  gone = false;
  frozen = false;
  cutOff = false;
  readonly #store: Store;
  readonly #process: VirtualProcess | undefined;
  #thawed: (() => void)[] = [];

  /** @param process what its peers can look up; without one, only its silence shows them that it was killed */
  constructor(
    podId: string,
    machine: VirtualRuntime,
    path: string,
    process?: VirtualProcess,
    { options: own = {}, work, latencyMs = 0, over = (store) => store }: PodGiven = {},
  ) {
    this.machine = machine;
    this.line = new Line(machine);
    this.#process = process;
    const table = process?.table ?? NO_PROOF;
    this.#store = new SqliteStore(sqliteOptions({ path }), { runtime: machine, log }, { processes: table });
    const options = resolveOptions({ podId, runtime: machine, drainTimeoutMs: 3_000, abortGraceMs: 1_000, ...own });
    this.settings = completeOptions(options, this.#store.rhythm);
    const registry = new StepRegistry();
    const run = (_args: unknown, { stepId, signal }: { stepId: string; signal: AbortSignal }) =>
      work === undefined ? this.#work(signal) : work(this, stepId, signal);
    registry.add({ type: 'work', run });
    registry.seal();
    const connection = {
      store: this.#gated(this.line.over(over(this.#store)), latencyMs),
      settings: this.settings,
      outages: { current: undefined },
      waiter: { stop: () => Promise.resolve() },
    };
    this.pod = new Pod(connection as ConstructorParameters<typeof Pod>[0], registry, this.recorded.events);
    this.recorded.events.on('pod:joined', (joined: PodRef) => {
      if (joined.podId === podId) this.incarnations.add(joined.incarnation);
    });
  }

  get podId(): string {
    return this.settings.podId;
  }

  get isLeader(): boolean {
    return this.pod.fleet.elector.isLeader;
  }

  /** Whether no fault affects it. */
  get well(): boolean {
    return !this.gone && !this.frozen && !this.cutOff;
  }

  open(): Promise<void> {
    return this.#store.open();
  }

  start(): Promise<void> {
    return this.pod.start();
  }

  /** SIGSTOP, or a blocked event loop; or a machine that sleeps. */
  freeze(monotonic: 'runs' | 'stops'): void {
    this.frozen = true;
    this.machine.freeze(monotonic);
  }

  thaw(): void {
    this.frozen = false;
    this.machine.thaw();
    for (const thawed of this.#thawed.splice(0)) thawed();
  }

  cut(fault: 'fails' | 'hangs' | 'loses'): void {
    this.cutOff = true;
    this.line.breaks(fault);
  }

  mend(): void {
    this.cutOff = false;
    this.line.heals(10_000 * this.machine.random());
  }

  /** SIGKILL: it never does anything again. */
  kill(): void {
    this.gone = true;
    this.#process?.exit();
    this.freeze('runs');
  }

  async stop(): Promise<void> {
    this.gone = true;
    await this.pod.stop();
    this.#process?.exit();
  }

  /** Removes every fault, even if it was killed, so that it can be closed. */
  release(): void {
    this.thaw();
    this.mend();
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  /** A frozen process sends and receives nothing. It does not watch the file either: the watch has its own time. */
  #gated(store: Store, latencyMs: number): Store {
    const travel = async (key: string | symbol): Promise<void> => {
      if (latencyMs > 0 && key === 'exchange') await sleep(this.machine, latencyMs * this.machine.random());
      await this.#awake();
    };
    const pass = async (key: string | symbol, call: () => unknown): Promise<unknown> => {
      await travel(key);
      const reply = await call();
      await travel(key);
      return reply;
    };
    return new Proxy(store, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (key === 'watch') return () => () => {};
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => pass(key, () => (value as (...args: unknown[]) => unknown)(...args));
      },
    });
  }

  async #awake(): Promise<void> {
    while (this.frozen) await new Promise<void>((thawed) => this.#thawed.push(thawed));
  }

  async #work(signal: AbortSignal): Promise<{ by: string }> {
    await sleep(this.machine, 50 + 1_500 * this.machine.random(), signal);
    signal.throwIfAborted();
    return { by: this.podId };
  }
}
