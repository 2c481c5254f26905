/** Processes that only submit, wait and ask, on one virtual clock and a store that shows others' commits late. */
import { StepCommands } from '../../../src/client/step-commands.js';
import { StepQueries } from '../../../src/client/step-queries.js';
import { TimeoutDetails } from '../../../src/client/timeout-details.js';
import { Waiter } from '../../../src/client/waiter.js';
import { QueueContext } from '../../../src/runtime/async-context.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { sqlite } from '../../../src/sqlite.js';
import type { Claim, PodRef, Store } from '../../../src/store/contract.js';
import { FaultyStore } from '../../support/faulty-store.js';
import { LateWorld, type Lateness, type LateStore } from '../../support/late-store.js';
import { log, RecordedEvents } from '../../fleet/support/recorded-events.js';

/** Snowflake's. */
export const WAIT_INTERVAL_MS = 2_000;
const POD: PodRef = { podId: 'pod', incarnation: 'life' };

export class LateClients {
  readonly runtime = new VirtualRuntime();
  readonly #inner = sqlite({ path: ':memory:' }).create({ runtime: this.runtime, log }) as Store;
  readonly #world: LateWorld;
  readonly #clients: Client[] = [];

  constructor(lateness: Lateness) {
    this.#world = new LateWorld(this.runtime, lateness);
  }

  async open(): Promise<this> {
    await this.#inner.open();
    await this.#inner.register({ ...POD, heartbeatMs: 1_000, deadAfterMs: 86_400_000, meta: {} });
    return this;
  }

  /** Another process. */
  client(): Client {
    const client = new Client(this.runtime, this.#world.over(this.#inner));
    this.#clients.push(client);
    return client;
  }

  get now(): number {
    return this.runtime.monotonicMs();
  }

  /** Stops everything; nothing may be left. */
  async close(): Promise<void> {
    for (const client of this.#clients) await this.runtime.until(client.stop());
    await this.#inner.close();
    if (this.runtime.pending > 0) throw new Error(`${this.runtime.pending} timers left`);
  }
}

export class Client {
  readonly recorded = new RecordedEvents();
  readonly late: LateStore;
  /** Counts the calls. */
  readonly store: FaultyStore;
  readonly waiter: Waiter;
  readonly queries: StepQueries;
  readonly commands: StepCommands;
  readonly #controller = new AbortController();

  constructor(runtime: VirtualRuntime, late: LateStore) {
    this.late = late;
    this.store = new FaultyStore(late, runtime);
    const { events } = this.recorded;
    const { store } = this;
    const closing = this.#controller.signal;
    const context = new QueueContext();
    const timeoutDetails = new TimeoutDetails({ store, runtime, closing, handledBy: async () => undefined });
    const waitIntervalMs = WAIT_INTERVAL_MS;
    this.waiter = new Waiter({ store, runtime, events, context, timeoutDetails, waitIntervalMs });
    this.queries = new StepQueries({ store, runtime, context, closing });
    const hooks = { onCancelled: () => undefined, onRetried: () => undefined };
    this.commands = new StepCommands({ store, runtime, events, log, context, closing, ...hooks });
  }

  async submit(stepId: string): Promise<string> {
    const rest = { type: 'work', payload: '{"type":"work"}', priority: 0, maxRetries: 3, delayMs: 0, runAt: null };
    await this.store.submit([{ stepId, ...rest }]);
    return stepId;
  }

  /** Claims one step, as a pod of this process. */
  async claim(): Promise<Claim> {
    const claim = { token: 'token', free: 1, prefetch: 0, quarantine: 0 as const, types: new Map([['work', 1]]) };
    const reply = await this.store.exchange({ pod: POD, settlements: [], claim });
    return reply.claims[0]!;
  }

  async settle(claim: Claim, status: 'completed' | 'failed'): Promise<void> {
    const { stepId, claimToken, version } = claim;
    const rest = {
      delayMs: null,
      charge: 0,
      crash: 0,
      result: status === 'completed' ? '7' : null,
      error: null,
    } as const;
    await this.store.exchange({ pod: POD, settlements: [{ stepId, claimToken, version, status, ...rest }] });
  }

  /** Claims one step and ends it. */
  async end(status: 'completed' | 'failed' = 'completed'): Promise<void> {
    await this.settle(await this.claim(), status);
  }

  async stop(): Promise<void> {
    this.#controller.abort();
    await this.waiter.stop();
  }
}
