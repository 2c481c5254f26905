/**
 * The parts of a test fleet: the clock, the store, the processes, and what moves time.
 *
 * Invariants:
 * - Nothing of it uses a real timer or a file, except to wait for handlers. A fleet that is dropped keeps no process alive.
 * - A process that has begun is started before time moves.
 */
import { FleetQError, StoppedError } from '../errors.js';
import { FleetQ } from '../fleetq.js';
import type { FleetQOptions } from '../options.js';
import type { AnyFleetQ } from '../queue-interface.js';
import { DEFAULT_RHYTHM } from '../store/sqlite/default-rhythm.js';
import { VirtualRuntime } from '../runtime/virtual-runtime.js';
import type { AnyDefinition } from '../step/type-map.js';
import { FleetEvents } from './fleet-events.js';
import { callEnded, type GoalContext } from './fleet-goals.js';
import type { ResolvedFleetOptions } from './fleet-options.js';
import { FleetStuckError } from './fleet-stuck-error.js';
import { HandlerRuns } from './handler-runs.js';
import { leftSteps, type FleetState } from './left-steps.js';
import { MemoryStore } from './memory-store.js';
import { PodLife } from './pod-life.js';
import { PodLink } from './pod-link.js';
import { needsTime } from './needs-time.js';
import { PodPlace } from './test-pod.js';
import { TimeDriver, type Goal } from './time-driver.js';

/** How long a container takes to restart, in ms of virtual time. */
const RESTART_MS = 1_000;
/** How long the processes may take to stop, in ms of virtual time. */
const STOP_MS = 366 * 86_400_000;

export class FleetCore {
  readonly world: VirtualRuntime;
  /** Its timers are those of restarts, and of sleeps by the clock. */
  readonly timers: VirtualRuntime;
  readonly events: FleetEvents;
  readonly runs: HandlerRuns;
  /** Submits and reads. It is never started, so it survives every crash. */
  readonly client: AnyFleetQ;
  readonly goals: GoalContext;
  readonly pods: PodPlace[] = [];
  readonly #options: ResolvedFleetOptions;
  readonly #store: MemoryStore;
  readonly #closing = new AbortController();
  readonly #driver: TimeDriver;
  readonly #clientLink: PodLink;
  readonly #clientMachine: VirtualRuntime;
  readonly #definitions: AnyDefinition[];
  #isPrepared = false;
  #connected = true;
  #unsettledUntil = 0;

  constructor(options: ResolvedFleetOptions) {
    this.#options = options;
    this.world = new VirtualRuntime({ seed: options.seed, wallMs: options.now });
    this.timers = this.world.fork();
    this.#clientMachine = this.world.fork();
    this.#store = new MemoryStore(this.world);
    this.runs = new HandlerRuns({
      now: () => this.world.wallMs(),
      closing: this.#closing.signal,
      timeoutMs: options.queue.timeoutMs,
    });
    this.events = new FleetEvents((stepId) => this.runs.skippedDuring(stepId));
    this.#driver = new TimeDriver({
      ...options,
      world: this.world,
      store: this.#store,
      runs: this.runs,
      lives: () => this.lives,
      prepare: () => this.#prepare(),
      unsettledUntil: () => this.#unsettledUntil,
    });
    this.#definitions = [...(options.queue.steps ?? [])];
    this.#clientLink = new PodLink(this.#store);
    this.client = this.#queueOf('test', this.#clientMachine, this.#clientLink, this.#definitions);
    this.events.add({ queue: this.client, isDead: false, skippedMs: 0 });
    this.goals = this.#goalContext();
  }

  /** The processes that are alive. */
  get lives(): readonly PodLife[] {
    return this.pods.flatMap(({ life }) => (life === undefined || life.state === 'stopped' ? [] : [life]));
  }

  /** The step types of the fleet. */
  get types(): readonly string[] {
    return this.#definitions.map(({ type }) => type);
  }

  /** @throws ValidationError; FleetQError `REGISTER_LATE` once the pods have been started */
  register(definition: unknown): void {
    if (this.#isPrepared)
      throw new FleetQError('REGISTER_LATE', 'register: the pods have been started; register before time first moves');
    (this.client as unknown as { register(definition: unknown): unknown }).register(definition);
    this.#definitions.push(definition as AnyDefinition);
  }

  /** Adds a pod. It is started at once, or before time first moves. */
  add(podId: string, steps?: readonly AnyDefinition[]): PodPlace {
    const place: PodPlace = new PodPlace({
      podId,
      types: () => (steps ?? this.#definitions).map(({ type }) => type),
      begin: (onDeath) => this.#begin(podId, steps ?? this.#definitions, onDeath),
      later: (callback) => void this.timers.after(RESTART_MS, callback),
      move: (call) => this.move('stop', call),
      onError: (error) => this.#driver.fail(error),
      onEnd: (life) => this.events.remove(life),
      onFault: () => this.#disturbed(),
    });
    this.pods.push(place);
    if (this.#isPrepared) void place.beginFirst();
    return place;
  }

  /** Moves time until the goal is reached. @throws FleetStuckError */
  async reach(what: string, goal: () => Goal): Promise<void> {
    this.#refuseInHandler(what);
    await this.#driver.reach(goal());
  }

  /** Waits for the goal, also in a handler. */
  await(goal: () => Goal): Promise<void> {
    return this.#driver.reach(goal());
  }

  /** Moves time until the call has ended. */
  async move<T>(what: string, call: () => Promise<T>): Promise<T> {
    this.#refuseInHandler(what);
    let ended = false;
    const end = (): void => void (ended = true);
    const promise = call();
    promise.then(end, end);
    await this.#driver.reach(callEnded(this.goals, what, () => ended));
    return promise;
  }

  /** Lets a call of the client end, and moves time only if it needs time. */
  async serve<T>(call: () => Promise<T>): Promise<T> {
    const { current } = this.runs;
    if (current !== undefined) return current.wait(call);
    const promise = call();
    if (await needsTime(promise, () => this.#clientMachine.pending > 0)) await this.move('the call', () => promise);
    return promise;
  }

  get connected(): boolean {
    return this.#connected;
  }

  connect(connected: boolean): void {
    this.#connected = connected;
    this.#disturbed();
    this.#clientLink.set(connected ? 'up' : 'down');
    for (const life of this.lives)
      if (connected) life.reconnect();
      else life.disconnect();
  }

  async close(): Promise<void> {
    this.#refuseInHandler('stop');
    await this.#driver.close(new StoppedError('the test fleet'));
    const { lives } = this;
    for (const life of lives) life.thaw();
    this.connect(true);
    const stopped = Promise.all([...lives.map((life) => life.stop()), this.client.stop()]);
    await this.world.until(stopped, STOP_MS);
    this.#closing.abort(new StoppedError('the test fleet')); // what still runs on pods that have died
    await this.#store.close();
  }

  #refuseInHandler(what: string): void {
    if (this.runs.current === undefined) return;
    const problem = `${what}: a handler cannot move time, which waits for the handler; use clock.sleep() in handlers`;
    throw new FleetStuckError('running', problem, []);
  }

  /** The pods need time to find out that one is dead, or is back. */
  #disturbed(): void {
    const { deadAfterMs = DEFAULT_RHYTHM.deadAfterMs, recoveryIntervalMs = DEFAULT_RHYTHM.recoveryIntervalMs } =
      this.#options.queue;
    this.#unsettledUntil = this.world.monotonicMs() + 2 * (deadAfterMs + recoveryIntervalMs);
  }

  async #prepare(): Promise<void> {
    this.#isPrepared = true;
    await this.#store.open();
    for (const place of this.pods) void place.beginFirst();
  }

  #begin(podId: string, steps: readonly AnyDefinition[], onDeath: (restart: boolean) => void): PodLife {
    const machine = this.world.fork();
    const link = new PodLink(this.#store);
    this.#store.podsChanged();
    if (!this.#connected) link.set('down');
    const { runs } = this;
    const queue = (life: PodLife): AnyFleetQ =>
      this.#queueOf(
        podId,
        machine,
        link,
        steps.map((definition) => runs.recorded(definition, life)),
      );
    const life = new PodLife({ podId, machine, link, runs, types: steps.map(({ type }) => type), queue, onDeath });
    this.events.add(life);
    return life;
  }

  #queueOf(podId: string, runtime: VirtualRuntime, link: PodLink, steps: readonly AnyDefinition[]): AnyFleetQ {
    const options: FleetQOptions = { ...this.#options.queue, podId, runtime, store: this.#store.storeOf(link) };
    return new FleetQ({ ...options, steps: [...steps] }) as AnyFleetQ;
  }

  #goalContext(): GoalContext {
    const { realTimeoutMs, maxRuns } = this.#options;
    const handled = (): ReadonlySet<string> =>
      new Set(this.pods.flatMap(({ canWork, types }) => (canWork ? types : [])));
    const state = (): FleetState => ({
      now: this.world.wallMs(),
      running: this.runs.running,
      pods: new Map(this.pods.map((place) => [place.podId, place.state])),
      handled: handled(),
      known: new Set([...this.types, ...this.pods.flatMap(({ types }) => types)]),
    });
    return {
      ...{ store: this.#store, realTimeoutMs, maxRuns, handled },
      nowMs: () => this.world.monotonicMs(),
      canWork: () => this.pods.some(({ canWork }) => canWork),
      left: (wanted) => leftSteps(this.#store, state(), wanted),
    };
  }
}
