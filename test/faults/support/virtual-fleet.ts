/**
 * Real queues, each on a machine of its own in one virtual world, over one real SQLite file. Hours of outages and wrong
 * clocks pass in a second.
 */
import { FleetQ, RetryLaterError, type FleetQOptions } from 'fleet-q';
import { sqlite, type SqliteOptions } from 'fleet-q/sqlite';
import { expect, onTestFinished } from 'vitest';
import { sleep } from '../../../src/runtime/runtime.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import type { Store, StoreFactory } from '../../../src/store/contract.js';
import { Line } from '../../fleet/support/faulty-store.js';
import { temporaryPath } from '../../support/queues.js';
import { RecordedEvents } from './recorded-events.js';

/** The default intervals of the store's clock and of the pods, in ms. */
export const DEAD_AFTER = 15_000;
const RECOVERY = 5_000;
export const BEAT = 2_000;
/** A death is noticed, and its steps are pending again, within this many ms. */
export const RECOVERED = DEAD_AFTER + 2 * RECOVERY + BEAT;

/** Every idle pod has polled for work within this many ms. */
export const LOOKED = 1_200;

const DEFAULTS = { drainTimeoutMs: 3_000, abortGraceMs: 1_000, retry: { baseMs: 1_000, capMs: 1_000 } };

type QueueOptions = FleetQOptions & { readonly steps?: undefined };

interface Work {
  /** How long it takes, on its machine's clock. */
  readonly ms: number;
  /** Its first attempt fails, and is due again after this many ms. */
  readonly retryMs?: number;
  /** It ignores its signal. */
  readonly deaf?: boolean;
}

/** A start of a handler. */
interface Run {
  readonly stepId: string;
  readonly attempt: number;
  /** By the world's time. */
  readonly at: number;
}

export class VirtualPod {
  readonly podId: string;
  readonly machine: VirtualRuntime;
  readonly line: Line;
  readonly queue: FleetQ<{ work: { args: Work; result: { by: string } } }>;
  readonly events: RecordedEvents;
  readonly runs: Run[] = [];
  readonly #watched: boolean;
  #frozen = false;
  #thawed: (() => void)[] = [];

  /** @param watched its queue watches the file for changes, as it does by default outside of tests */
  constructor(
    world: VirtualRuntime,
    machine: VirtualRuntime,
    store: StoreFactory,
    options: QueueOptions,
    watched = false,
  ) {
    this.#watched = watched;
    this.podId = options.podId ?? '';
    this.machine = machine;
    this.line = new Line(machine);
    const own: QueueOptions = { ...DEFAULTS, ...options, runtime: machine, store: this.#behind(store) };
    this.queue = new FleetQ(own).register('work', async ({ ms, retryMs, deaf }: Work, { stepId, attempt, signal }) => {
      this.runs.push({ stepId, attempt, at: world.monotonicMs() });
      await sleep(machine, ms, deaf === true ? undefined : signal);
      if (deaf !== true) signal.throwIfAborted();
      if (retryMs !== undefined && attempt === 1) throw new RetryLaterError(retryMs);
      return { by: this.podId };
    });
    this.events = new RecordedEvents(this.queue);
  }

  /** Does nothing until {@link thaw}: `runs` is a process that was stopped, `stands` a machine that sleeps. */
  freeze(monotonic: 'runs' | 'stops' = 'runs'): void {
    this.#frozen = true;
    this.machine.freeze(monotonic);
  }

  thaw(): void {
    this.#frozen = false;
    this.machine.thaw();
    for (const thawed of this.#thawed.splice(0)) thawed();
  }

  /** A frozen process sends and receives nothing. Mostly the file is not watched, because a watcher fires in real time. */
  #behind(factory: StoreFactory): StoreFactory {
    const gated = async (call: () => unknown): Promise<unknown> => {
      await this.#awake();
      const reply = await call();
      await this.#awake();
      return reply;
    };
    return {
      name: factory.name,
      create: async (environment) =>
        new Proxy(this.line.over(await factory.create(environment)), {
          get: (target, key): unknown => {
            const value: unknown = Reflect.get(target, key, target);
            if (typeof value !== 'function') return value;
            if (key === 'watch') return this.#watched ? (value.bind(target) as unknown) : () => () => {};
            return (...args: unknown[]) => gated(() => (value as (...args: unknown[]) => unknown)(...args));
          },
        }) satisfies Store,
    };
  }

  async #awake(): Promise<void> {
    while (this.#frozen) await new Promise<void>((thawed) => this.#thawed.push(thawed));
  }
}

export class VirtualFleet {
  readonly world = new VirtualRuntime();
  readonly path = temporaryPath();
  readonly pods: VirtualPod[] = [];
  readonly stepIds: string[] = [];
  /** Submits and reads, and never starts. */
  readonly client: VirtualPod;

  constructor() {
    this.client = this.#make('client', {}, {});
    onTestFinished(() => this.#close());
  }

  get now(): number {
    return this.world.monotonicMs();
  }

  /** A pod that has started. @param prepare changes its machine before that, or listens to its queue */
  async add(
    podId: string,
    {
      prepare,
      options = {},
      store = {},
      watched = false,
    }: { prepare?: (machine: VirtualRuntime, pod: VirtualPod) => void } & PodOptions = {},
  ): Promise<VirtualPod> {
    const pod = this.#make(podId, options, store, watched);
    prepare?.(pod.machine, pod);
    this.pods.push(pod);
    await this.until(pod.queue.start());
    await this.pass(50); // no two pods have the same age
    return pod;
  }

  async submit(...steps: readonly ({ readonly delayMs?: number } & Work)[]): Promise<string[]> {
    const inputs = steps.map(({ delayMs, ...args }) => ({
      type: 'work' as const,
      args,
      ...(delayMs === undefined ? {} : { delayMs }),
    }));
    const ids = await this.until(this.client.queue.submitMany(inputs));
    this.stepIds.push(...ids);
    return ids;
  }

  /** Advances the world's time. */
  pass(ms: number): Promise<void> {
    return this.world.advance(ms);
  }

  /** Advances the world's time until the promise has settled. The real file system takes little of that time. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const settles = (): void => {
      settled = true;
    };
    promise.then(settles, settles);
    await this.world.settle();
    while (!settled) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      await this.world.advance(20);
    }
    return promise;
  }

  /** The runs of a step, on all pods, in their order. */
  runsOf(stepId: string | undefined): Run[] {
    const runs = this.pods.flatMap((pod) => pod.runs.filter((run) => run.stepId === stepId));
    return runs.toSorted((a, b) => a.at - b.at);
  }

  /** Checks that every acknowledged step has completed, with at most one event each. */
  async expectNothingLost(): Promise<void> {
    const ends = this.pods.flatMap(({ events }) => [...events.of('step:completed'), ...events.of('step:failed')]);
    const ids = ends.map(({ stepId }) => stepId);
    expect(ids).toHaveLength(new Set(ids).size);
    for (const id of this.stepIds) {
      const step = await this.client.queue.getStep(id);
      expect(step, id).toMatchObject({ status: 'completed', crashes: 0 });
    }
  }

  /** The events with these names, from all pods: "ada pod:dead". */
  emitted(...names: Parameters<RecordedEvents['of']>[0][]): string[] {
    return this.pods.flatMap(({ podId, events }) =>
      names.flatMap((name) => events.of(name).map(() => `${podId} ${name}`)),
    );
  }

  #make(podId: string, options: QueueOptions, store: SqliteOptions, watched = false): VirtualPod {
    const factory = sqlite({ path: this.path, ...store });
    return new VirtualPod(this.world, this.world.fork(), factory, { ...options, podId }, watched);
  }

  async #close(): Promise<void> {
    const all = [...this.pods, this.client];
    for (const { line } of all) line.heals();
    for (const pod of all) pod.thaw();
    await this.until(Promise.all(all.map(({ queue }) => queue.stop())));
    for (const { podId, machine } of all) expect(machine.pending, podId).toBe(0);
  }
}

interface PodOptions {
  readonly options?: QueueOptions;
  readonly store?: SqliteOptions;
  readonly watched?: boolean;
}
