/**
 * The store of a test fleet: one SQLite database in memory, which all its processes share.
 *
 * Invariants:
 * - Its clock is the fleet's, whatever the clocks of the pods show.
 * - The processes hear of each other's writes when {@link MemoryStore.flush} is called, and not before. So a step that was
 *   submitted starts only when time is moved.
 */
import { createLog } from '../log.js';
import type { VirtualRuntime } from '../runtime/virtual-runtime.js';
import type { PodRef, StepRecord, Store, StoreFactory } from '../store/contract.js';
import { SharedMemory } from '../store/sqlite/connection/shared-memory.js';
import { resolveOptions } from '../store/sqlite/options.js';
import { NO_PROOF } from '../store/sqlite/pods/process-table.js';
import { SqliteStore } from '../store/sqlite/store.js';
import type { LinkOwner, PodLink } from './pod-link.js';

const OPTIONS = resolveOptions({ path: ':memory:' });
const PAGE = 1_000;
const OPEN = ['pending', 'claimed'] as const;

interface Watcher {
  readonly link: PodLink;
  readonly onChange: () => void;
}

export class MemoryStore implements LinkOwner {
  readonly #world: VirtualRuntime;
  readonly #watchers = new Set<Watcher>();
  readonly #writers = new Set<PodLink>();
  #memory: Promise<SharedMemory> | undefined;
  #observer: Promise<Store> | undefined;
  #looks = 0;
  #version = 0;

  /** @param world the machine whose clock is the store's */
  constructor(world: VirtualRuntime) {
    this.#world = world;
  }

  /** The store of one process. */
  storeOf(link: PodLink): StoreFactory {
    return { name: 'sqlite', create: async () => link.over(await this.#make()) };
  }

  /** @throws StoreError `STORE_DRIVER_MISSING` */
  async open(): Promise<void> {
    await this.#observing();
  }

  wrote(link: PodLink): void {
    this.#version++;
    this.#writers.add(link);
  }

  /** What was found out for the pods that there were does not hold any more. */
  podsChanged(): void {
    this.#version++;
  }

  /** Rises with each change. What was true of the steps stays true until then. */
  get version(): number {
    return this.#version;
  }

  watch(link: PodLink, onChange: () => void): () => void {
    const watcher = { link, onChange };
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Tells the processes of the writes of others since the last call. @returns whether there were any */
  flush(): boolean {
    const writers = new Set(this.#writers);
    this.#writers.clear();
    let called = false;
    for (const { link, onChange } of [...this.#watchers]) {
      if (link.state !== 'up' || ![...writers].some((writer) => writer !== link)) continue;
      called = true;
      onChange();
    }
    return called;
  }

  /** Lets every process look at the store. */
  notifyAll(): void {
    for (const { link, onChange } of [...this.#watchers]) if (link.state === 'up') onChange();
  }

  /** How many steps are claimed: counted up to 1,000. */
  async claimed(): Promise<number> {
    const page = await (await this.#observing()).list({ statuses: ['claimed'], order: 'oldest', limit: PAGE });
    return page.steps.length;
  }

  /** Whether a step is pending or claimed, of other types than `ignored`. */
  async anyOpen(ignored: ReadonlySet<string>): Promise<boolean> {
    for await (const { type } of this.openSteps(ignored.size === 0 ? 1 : PAGE)) if (!ignored.has(type)) return true;
    return false;
  }

  /** The steps that are pending or claimed, the oldest first. */
  async *openSteps(limit = PAGE): AsyncGenerator<StepRecord> {
    const observer = await this.#observing();
    let after: string | undefined;
    do {
      const page = await observer.list({ statuses: OPEN, order: 'oldest', limit, ...(after && { after }) });
      yield* page.steps;
      after = page.next ?? undefined;
    } while (after !== undefined);
  }

  async find(stepId: string): Promise<StepRecord | undefined> {
    return (await (await this.#observing()).find([stepId]))[0];
  }

  /**
   * In how many ms the next pending step of these types is due; 0 if one is due now, `Infinity` if there is none.
   *
   * @param pod a live incarnation. Nothing is claimed for it
   */
  async nextDueInMs(pod: PodRef, types: Iterable<string>): Promise<number> {
    const limits = new Map([...types].map((type) => [type, Infinity]));
    const claim = { token: `look-${++this.#looks}`, free: 0, prefetch: 0, quarantine: 1, types: limits } as const;
    const { nextDueInMs } = await (await this.#observing()).exchange({ pod, settlements: [], claim });
    return nextDueInMs ?? Infinity;
  }

  async close(): Promise<void> {
    await (await this.#observer)?.close();
    (await this.#memory)?.close();
  }

  #observing(): Promise<Store> {
    return (this.#observer ??= this.#make());
  }

  async #make(): Promise<Store> {
    const memory = await (this.#memory ??= SharedMemory.open());
    const environment = { runtime: this.#world, log: createLog('store') };
    return new SqliteStore(OPTIONS, environment, { memory, processes: NO_PROOF });
  }
}
