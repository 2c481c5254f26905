/** Makes a test fleet, and checks what is passed to it. */
import { checkWaitOptions, type WaitOptions } from '../client/wait-options.js';
import { FleetQError } from '../errors.js';
import { checkStepId } from '../input/field-checks.js';
import type { AnyFleetQ } from '../queue-interface.js';
import { isDefinition } from '../step/definition.js';
import type { AnyDefinition, NoneTwice, StepsIn } from '../step/type-map.js';
import { checkAddPod, checkCrashDuring, checkDrain, typeOf } from './fleet-checks.js';
import { FleetCore } from './fleet-core.js';
import { drained, LONGEST_MS, stepAwaited, stepEnded, timePassed } from './fleet-goals.js';
import type { AddPodOptions, CrashDuringOptions, Drained, DrainOptions, TestFleet } from './fleet-interface.js';
import { resolveFleetOptions, type TestFleetOptions } from './fleet-options.js';
import { fleetQueue } from './fleet-queue.js';
import { never, type TestRun } from './handler-run.js';
import { VirtualClock, type MoveOptions } from './test-clock.js';
import { checkCrashOptions, type CrashOptions, type PodPlace } from './test-pod.js';

class Fleet {
  readonly clock: VirtualClock;
  readonly queue: AnyFleetQ;
  readonly #core: FleetCore;
  #stopping: Promise<void> | undefined;

  constructor(given: unknown) {
    const options = resolveFleetOptions(given);
    const core = new FleetCore(options);
    this.#core = core;
    const { world, timers, runs } = core;
    const advance = (ms: number, move: MoveOptions): Promise<void> => this.#advance(ms, move);
    this.clock = new VirtualClock({ world, machine: timers, runs, advance });
    this.queue = fleetQueue({
      client: core.client,
      events: core.events,
      register: (definition) => core.register(definition),
      serve: (call) => core.serve(call),
      waitFor: (stepId, waiting) => this.#waitFor(stepId, waiting as WaitOptions | undefined),
      start: () => this.start(),
      stop: () => this.stop(),
      queues: () => core.lives.map(({ queue }) => queue),
      pause: (paused) => {
        for (const life of core.lives)
          if (paused) life.pause();
          else life.resume();
      },
      move: (call) => core.move('the call', call),
    });
    for (let i = 0; i < options.pods; i++) this.#add({});
  }

  get pods(): readonly PodPlace[] {
    return [...this.#core.pods];
  }

  async start(): Promise<void> {
    await this.#advance(0, {});
  }

  async drain(options: DrainOptions = {}): Promise<Drained> {
    checkDrain(options);
    const { untilStep, ignore = [], withinMs = LONGEST_MS, whileRunning = false } = options;
    const { world, runs, goals } = this.#core;
    const count = this.#count();
    const since = world.monotonicMs();
    const before = runs.all.length;
    try {
      await this.#core.reach('drain', () =>
        untilStep === undefined
          ? drained(goals, { withinMs, whileRunning, ignored: new Set(ignore) })
          : stepEnded(goals, untilStep, { what: 'drain', withinMs, whileRunning }),
      );
    } finally {
      count.end();
    }
    const elapsedMs = Math.floor(world.monotonicMs() - since);
    return { runs: runs.all.length - before, ...count.ended, elapsedMs };
  }

  async steps(of: object = {}): Promise<readonly unknown[]> {
    const filter = isDefinition(of) ? { type: typeOf(of) } : of;
    const found: unknown[] = [];
    for await (const step of this.queue.listSteps({ pageSize: 1_000, ...filter })) found.push(step);
    return found;
  }

  runs(of?: unknown): readonly TestRun[] {
    const type = of === undefined ? undefined : typeOf(of);
    return this.#core.runs.all.filter((run) => type === undefined || run.type === type);
  }

  async addPod(options: AddPodOptions = {}): Promise<PodPlace> {
    checkAddPod(
      options,
      this.pods.map(({ podId }) => podId),
    );
    const place = this.#add(options);
    await this.start();
    return place;
  }

  crashDuring(of: unknown, options: CrashDuringOptions = {}): void {
    const handled = this.#core.pods.flatMap(({ types }) => types);
    const type = typeOf(of, [...this.#core.types, ...handled]);
    checkCrashDuring(options);
    const { at = 'end', times = 1, restart = true } = options;
    this.#core.runs.crashDuring({ type, at, times, restart });
  }

  async crashHere(options: CrashOptions = {}): Promise<never> {
    checkCrashOptions(options);
    const run = this.#core.runs.current;
    if (run === undefined)
      throw new FleetQError('NOT_STARTED', 'crashHere: no handler of this fleet has called it; see pods[0].crash()');
    run.pod.die(options.restart ?? true);
    return never();
  }

  disconnect(): void {
    this.#core.connect(false);
  }

  reconnect(): void {
    this.#core.connect(true);
  }

  stop(): Promise<void> {
    return (this.#stopping ??= this.#core.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #add({ podId = this.#freeName(), steps }: AddPodOptions): PodPlace {
    return this.#core.add(podId, steps);
  }

  #freeName(): string {
    const taken = new Set(this.#core.pods.map(({ podId }) => podId));
    let number = taken.size + 1;
    while (taken.has(`pod-${number}`)) number++;
    return `pod-${number}`;
  }

  #advance(ms: number, { whileRunning = false }: MoveOptions): Promise<void> {
    return this.#core.reach('clock.advance', () => timePassed(this.#core.goals, ms, whileRunning));
  }

  /** Moves time until the step has ended. A handler waits until others have moved it. */
  async #waitFor(stepId: string, options: WaitOptions = {}): Promise<unknown> {
    checkStepId(stepId);
    checkWaitOptions(options);
    const { client, runs, goals } = this.#core;
    const { timeoutMs, signal } = options;
    const wait = async (passive: boolean): Promise<unknown> => {
      await this.#core.await(() => stepAwaited(goals, { stepId, timeoutMs, signal, passive }));
      return client.waitFor(stepId, options);
    };
    return this.#core.serve(() => wait(runs.current !== undefined));
  }

  #count(): { readonly ended: Pick<Drained, 'completed' | 'failed' | 'cancelled'>; end(): void } {
    const ended = { completed: 0, failed: 0, cancelled: 0 };
    const { events } = this.#core;
    const removers = [
      events.on('step:completed', () => ended.completed++, { brief: true }),
      events.on('step:failed', () => ended.failed++, { brief: true }),
      events.on('step:cancelled', ({ by }: { readonly by: string }) => by === 'caller' && ended.cancelled++, {
        brief: true,
      }),
    ];
    const end = (): void => {
      for (const remove of removers) remove();
    };
    return { ended, end };
  }
}

/**
 * Makes a fleet for tests: pods with the real engine, a store in memory, and a clock that only the test moves. Nothing waits in
 * real time, except for the real I/O of handlers.
 *
 * @example
 * await using fleet = testFleet({ steps: [resize, sendEmail] });
 * const stepId = await fleet.queue.submit(resize, { file: 'a.png' });
 * expect(await fleet.drain()).toMatchObject({ completed: 1 });
 * expect(await fleet.queue.getStep(stepId)).toMatchObject({ status: 'completed' });
 * @throws ValidationError `OPTION_INVALID`, `STEP_TYPE_INVALID`, `STEP_TYPE_DUPLICATE`
 */
export function testFleet<const L extends readonly AnyDefinition[]>(
  options: TestFleetOptions & { readonly steps: L & NoneTwice<L> },
): TestFleet<StepsIn<L>>;
export function testFleet<S = {}>(options?: TestFleetOptions & { readonly steps?: undefined }): TestFleet<S>;
export function testFleet(options: TestFleetOptions = {}): TestFleet {
  return new Fleet(options) as unknown as TestFleet;
}
