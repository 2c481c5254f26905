/**
 * The class behind `FleetQ`: it opens the store, starts the pod, and passes each call to the service that answers it.
 *
 * Invariants:
 * - It has no logic of its own except the order of a queue's life: made → (opened as a client) → started → draining → stopped.
 * - The store is opened when it is first needed. A queue that never starts is a client and keeps no process alive.
 * - Calls are served until the last handler and the last listener have ended, or their time is over. Then the store closes.
 */
import type { AnyFleetQ, FleetQ as Face, FleetQConstructor } from './queue-interface.js';
import type { CancelResult, RetryResult } from './client/step-commands.js';
import { checkFilter, lazyListing, type StepFilter, type StepListing } from './client/step-listing.js';
import type { WaitOptions } from './client/wait-options.js';
import { diagnoseQueue } from './diagnosis/diagnose-queue.js';
import { LazyClient } from './lazy-client.js';
import type { OpenClient } from './open-client.js';
import { defaultStore, storeFromEnv } from './default-store.js';
import { FleetQError, StoppedError } from './errors.js';
import { checkListener, EVENT_LINES, Events, logEvent } from './events.js';
import type { AnySteps, BriefPayload, EventName, EventPayloads, RecoverySummary } from './events.js';
import type { Health, Phase } from './fleet/health.js';
import type { RecoveryOptions } from './fleet/recovery.js';
import { createLog, type Log } from './log.js';
import { overrideEnv } from './options/env.js';
import { resolveOptions, type FleetQOptions, type ResolvedOptions } from './options.js';
import { healthWithoutPod, Pod } from './pod.js';
import type { PodReport } from './pod-report.js';
import { QueueReports } from './queue-reports.js';
import type { LeaderReport, QueueStats, StatsOptions } from './stats.js';
import { QueueContext } from './runtime/async-context.js';
import type { StepTypeOptions } from './step/type-map.js';
import { StepRegistry } from './step/step-registry.js';
import type { Step } from './step/step.js';
import type { Finding } from './store/contract.js';
import { VERSION } from './version.js';

/** How long `stop` waits for listeners, in ms, if the drain time leaves less. */
const LISTENERS_MS = 2_000;

class Queue implements AnyFleetQ {
  readonly storeName: string;
  readonly #options: ResolvedOptions;
  readonly #log: Log;
  /** The async context of the constructor; from `start` on, that of `start`. */
  readonly #context = new QueueContext();
  readonly #events: Events;
  readonly #registry = new StepRegistry();
  readonly #client: LazyClient;
  readonly #reports = new QueueReports({ open: (method) => this.#open(method), pod: () => this.#pod });
  #pod: Pod | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  /** The store closes: every further call is refused. */
  #closing = false;
  #paused = false;

  constructor(options?: FleetQOptions) {
    this.#options = resolveOptions(options);
    const { logger, podId } = this.#options;
    this.#log = createLog('queue', logger, { podId });
    this.#events = new Events(createLog('events', logger, { podId }), this.#context);
    const factory = this.#options.store ?? defaultStore();
    this.storeName = factory.name;
    this.#client = new LazyClient({
      factory,
      options: this.#options,
      registry: this.#registry,
      events: this.#events,
      context: this.#context,
      pod: () => this.#pod,
    });
    for (const definition of this.#options.steps) this.#registry.add(definition);
  }

  static fromEnv(options: FleetQOptions = {}, env: Readonly<Record<string, string | undefined>> = process.env): Queue {
    const given = overrideEnv(env, options);
    return new Queue({ ...given, store: given.store ?? storeFromEnv(env) });
  }

  get podId(): string {
    return this.#options.podId;
  }

  register(definition: unknown, run?: unknown, options: StepTypeOptions = {}): never {
    this.#registry.add(typeof definition === 'string' ? { ...options, type: definition, run } : definition);
    return this as never; // the same queue, under a wider type
  }

  async connect(): Promise<void> {
    await this.#open('connect');
  }

  start(): Promise<void> {
    if (this.#stopping !== undefined) return Promise.reject(new StoppedError('start'));
    this.#client.endWatch();
    return (this.#starting ??= this.#startHere());
  }

  stop(): Promise<void> {
    this.#events.doNotAwaitCaller();
    this.#client.endWatch();
    return (this.#stopping ??= this.#context.run(() => this.#stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  pause(): void {
    if (!this.#paused) this.#log.info({}, 'paused: this pod claims and starts nothing until resume() is called');
    this.#paused = true;
    this.#pod?.pool.pause();
  }

  resume(): void {
    if (this.#paused) this.#log.info({}, 'resumed');
    this.#paused = false;
    this.#pod?.pool.resume();
  }

  async submit(step: unknown, args?: unknown, options?: unknown): Promise<string> {
    return (await this.submitWithReceipt(step, args, options)).stepId;
  }

  async submitWithReceipt(step: unknown, args?: unknown, options?: unknown) {
    return (await this.#open('submit')).submitter.submit(step, args, options);
  }

  async submitMany(steps: unknown, argsList?: unknown, options?: unknown): Promise<string[]> {
    const { submitter } = await this.#open('submitMany');
    return (await submitter.submitMany(steps, argsList, options)).map(({ stepId }) => stepId);
  }

  async submitManyWithReceipts(steps: unknown, argsList?: unknown, options?: unknown) {
    return (await this.#open('submitManyWithReceipts')).submitter.submitMany(steps, argsList, options);
  }

  async getStep(stepId: string): Promise<never> {
    return (await (await this.#open('getStep')).queries.get(stepId)) as never;
  }

  async waitFor(stepId: string, options?: WaitOptions): Promise<never> {
    return (await (await this.#open('waitFor')).waiter.wait(stepId, options)) as never;
  }

  listSteps(filter: StepFilter = {}): StepListing<never> {
    checkFilter(filter);
    const listing: StepListing<Step> = lazyListing(async () => (await this.#open('listSteps')).queries.list(filter));
    return listing as StepListing<never>;
  }

  async cancel(stepId: string): Promise<CancelResult> {
    return (await this.#open('cancel')).commands.cancel(stepId);
  }

  async retry(stepId: string): Promise<RetryResult> {
    return (await this.#open('retry')).commands.retry(stepId);
  }

  stats(options: StatsOptions = {}): Promise<QueueStats> {
    return this.#reports.stats(options);
  }

  health(): Health {
    if (this.#pod !== undefined) return this.#pod.health();
    return healthWithoutPod(this.#options, { phase: this.#phase, paused: this.#paused, outage: this.#client.outage });
  }

  pods(): Promise<readonly PodReport[]> {
    return this.#reports.pods();
  }

  async diagnose(): Promise<readonly Finding[]> {
    if (this.#closing || this.#stopping !== undefined) throw new StoppedError('diagnose');
    const hasPod = this.#pod !== undefined;
    return diagnoseQueue({
      runtime: this.#options.runtime,
      opened: this.#client.opened?.store,
      make: () => this.#client.makeStore(),
      state: { version: VERSION, health: this.health(), hasPod, versions: process.versions },
    });
  }

  leader(): Promise<LeaderReport> {
    return this.#reports.leader();
  }

  async runRecovery(options: RecoveryOptions = {}): Promise<RecoverySummary> {
    const { recovery } = this.#started('runRecovery').fleet;
    return this.#context.run(() => recovery.run(options));
  }

  async recoveryHistory(options: { readonly limit?: number } = {}): Promise<readonly RecoverySummary[]> {
    const { recovery } = this.#started('recoveryHistory').fleet;
    return this.#context.run(() => recovery.history(options));
  }

  on<E extends EventName>(event: E, listener: (payload: EventPayloads<AnySteps>[E]) => unknown): () => void {
    checkListener(event, listener);
    return this.#events.on(event, listener);
  }

  onBrief<E extends EventName>(event: E, listener: (payload: BriefPayload<E>) => unknown): () => void {
    checkListener(event, listener);
    return this.#events.onBrief(event, listener);
  }

  once<E extends EventName>(event: E, listener: (payload: EventPayloads<AnySteps>[E]) => unknown): () => void {
    checkListener(event, listener);
    return this.#events.once(event, listener);
  }

  off<E extends EventName>(event: E, listener: (payload: EventPayloads<AnySteps>[E]) => unknown): void {
    this.#events.off(event, listener);
  }

  /** The phase of a queue without a pod. */
  get #phase(): Phase {
    if (this.#stopping !== undefined) return this.#closing ? 'stopped' : 'stopping';
    return this.#starting === undefined ? this.#client.phase : 'starting';
  }

  #open(what: string): Promise<OpenClient> {
    const unopened = this.#stopping !== undefined && this.#client.attempt === undefined;
    if (this.#closing || unopened) return Promise.reject(new StoppedError(what));
    return this.#client.open();
  }

  /** Starts in the caller's async context, which is the queue's own from here on. */
  #startHere(): Promise<void> {
    this.#context.capture();
    return this.#context.run(async () => {
      try {
        await this.#start();
      } catch (error) {
        this.#starting = undefined;
        throw error;
      }
    });
  }

  async #start(): Promise<void> {
    const client = await this.#open('start');
    this.#registry.seal();
    this.#refuseWhenStopping();
    const pod = new Pod(client, this.#registry, this.#events);
    this.#pod = pod;
    if (this.#paused) pod.pool.pause();
    try {
      await pod.start();
      this.#refuseWhenStopping();
      this.#log.info({ version: VERSION, slots: pod.pool.load.slots }, 'started');
    } catch (error) {
      await pod.stop();
      this.#pod = undefined;
      this.#refuseWhenStopping();
      throw error;
    }
  }

  #refuseWhenStopping(): void {
    if (this.#stopping !== undefined) throw new StoppedError('start');
  }

  async #stop(): Promise<void> {
    const { runtime, drainTimeoutMs } = this.#options;
    const endsAt = runtime.monotonicMs() + drainTimeoutMs;
    const drained = await this.#pod?.stop();
    await this.#starting?.catch(() => undefined);
    const atWork = await this.#events.settled(runtime, Math.max(LISTENERS_MS, endsAt - runtime.monotonicMs()));
    if (atWork > 0)
      this.#log.warn({ listeners: atWork }, 'listeners have not settled in time; closing the store without them');
    this.#closing = true;
    const client = await this.#client.attempt?.catch(() => undefined);
    await client?.close();
    if (drained === undefined) return; // it was a client
    logEvent(this.#log, EVENT_LINES.queueStopped, drained);
    this.#events.emit('queue:stopped', { podId: this.podId, ...drained });
  }

  #started(what: string): Pod {
    if (this.#stopping !== undefined) throw new StoppedError(what);
    if (this.#pod === undefined)
      throw new FleetQError('NOT_STARTED', `${what}: the queue has not been started; await start() first`);
    return this.#pod;
  }
}

/** The class of queues. See {@link FleetQConstructor} for its forms, and the interface of the same name for its methods. */
export const FleetQ = Queue as unknown as FleetQConstructor;
/**
 * A durable task queue, and, once started, a pod of its fleet.
 *
 * @typeParam S the step types: from `steps`, from `register`, or named by a process that only submits
 */
export interface FleetQ<S = {}> extends Face<S> {}
