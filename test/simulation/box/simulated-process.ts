/**
 * One process of a simulated fleet: a whole `FleetQ` on a machine of its own, whose calls, runs and events go into the history.
 *
 * Invariants: once killed, it never does anything again, and costs nothing.
 */
import { FleetQ, type AnyDefinition, type AnyFleetQ } from '../../../src/index.js';
import type { Logger } from '../../../src/log.js';
import type { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import type { StepContext } from '../../../src/step/handler-context.js';
import type { History, ProcessChanged, ProcessSettings, RunEnded } from '../history/history.js';
import type { Behaviour, Habits, PodPlan } from '../plan/plan.js';
import type { World } from '../worlds/world.js';
import { ProcessLink, type CrashPoint } from './process-link.js';
import { recordEvents } from './recorded-events.js';
import { atOnce, behave, definitionOf, isRelease, manyTypes, MOST_BYTES, TYPES, type Machine } from './step-types.js';

/** What the processes of a fleet share beside the store: the world around them, and what is written down. */
export interface Surroundings {
  readonly habits: Habits;
  readonly root: VirtualRuntime;
  readonly network: VirtualRuntime;
  readonly world: World;
  readonly history: History;
  readonly logger: Logger;
  /** How often each step has been run. */
  readonly runs: Map<string, number>;
  nextRun: number;
  nextCall: number;
}

/** How long ended steps are kept: longer than most plans, so that a caller can still read them. */
const KEEP_MS = 600_000;

/** What a step without args does. */
const NO_ARGS: Behaviour = { does: 'returns', forMs: 5 };

export class SimulatedProcess {
  readonly name: string;
  readonly podId: string;
  readonly machine: VirtualRuntime;
  readonly link: ProcessLink;
  readonly queue: AnyFleetQ;
  /** `undefined`: it only submits and asks. */
  readonly plan: PodPlan | undefined;
  readonly #shared: Surroundings;
  #killed = false;
  /** Killed, or stopped. */
  gone = false;
  frozen = false;
  /** The incarnation that joined last. */
  incarnation = '';
  readonly refusesUnknown: boolean;
  /** Calls that are not answered yet, other than `waitFor`. */
  openCalls = 0;
  started = false;
  stopping = false;
  /** It drained permanently: it was superseded, or it is outdated. Whatever it was started for is missing. */
  drained = false;
  onKilled = (): void => {};
  /** Whose process this is, if it is another queue in it. */
  readonly #host: SimulatedProcess | undefined;
  /** Another queue in this process. */
  mate: SimulatedProcess | undefined;
  /** What its handlers can reach. */
  readonly #ownMachine: Machine;

  /** @param host the queue whose process this one shares */
  constructor(name: string, podId: string, plan: PodPlan | undefined, shared: Surroundings, host?: SimulatedProcess) {
    this.name = name;
    this.podId = podId;
    this.plan = plan;
    this.#shared = shared;
    this.#host = host;
    this.machine = host?.machine ?? shared.root.fork();
    this.link = new ProcessLink(name, shared.network);
    const { machine, link } = this;
    const { keepMs = KEEP_MS, refusesUnknown = false } = shared.habits;
    this.refusesUnknown = refusesUnknown && plan === undefined;
    const queue: FleetQ = new FleetQ({
      store: shared.world.storeOf(machine, link),
      runtime: machine,
      logger: shared.logger,
      unknownTypes: this.refusesUnknown ? 'refuse' : 'accept',
      podId,
      abortGraceMs: 500,
      drainTimeoutMs: 2_000,
      maxPayloadBytes: MOST_BYTES,
      retentionMs: keepMs,
      retry: { baseMs: 300, capMs: 2_000 },
      ...(plan === undefined ? {} : { concurrency: plan.slots, ...rhythmOf(plan) }),
    });
    this.queue = queue;
    this.#ownMachine = {
      runtime: machine,
      kill: () => this.kill(),
      waitFor: (stepId, signal) => queue.waitFor(stepId, { signal }),
      cancel: (stepId) => this.call('cancel', () => queue.cancel(stepId), { stepId }),
      submit: (step) => this.queue.submit(step),
      misuse: (expects, call) => this.call('misuse', call, { expects }),
    };
    const run = (args: unknown, ctx: StepContext) => this.#run((args as Behaviour | undefined) ?? NO_ARGS, ctx);
    const types = plan === undefined ? (this.refusesUnknown ? TYPES : []) : typesOf(plan);
    for (const type of types) queue.register(definitionOf(type, run) as AnyDefinition);
    const record = (name: string, stepId: string | undefined, fields: Readonly<Record<string, unknown>>): void => {
      if (this.#killed) return; // in the middle of a turn, whose rest is not its own any more
      if (name === 'pod:fenced' && fields['recoverable'] === false) this.drained = true;
      // A process that joins under the same podId is announced, too. Only this process completes its own heartbeats.
      if (name === 'heartbeat:completed' || (name === 'pod:joined' && fields['podId'] === podId && !this.started))
        this.incarnation = String(fields['incarnation']);
      shared.history.add({
        kind: 'event',
        process: this.name,
        name,
        fields,
        ...(stepId === undefined ? {} : { stepId }),
      });
    };
    recordEvents(this.queue, record, shared.habits);
  }

  /** Starts the pod. Resolves, at the latest, when the process is gone. */
  async start(): Promise<void> {
    this.#note('starts', undefined, this.plan && { ...this.plan, types: typesOf(this.plan) });
    try {
      await this.queue.start();
      this.started = true;
      this.#note('started');
    } catch (error) {
      this.#note('stopped', { error: codeOf(error) });
      this.gone = true;
    }
  }

  get isKilled(): boolean {
    return this.#killed;
  }

  get isMate(): boolean {
    return this.#host !== undefined;
  }

  /** The queues of this process. */
  get together(): readonly SimulatedProcess[] {
    return [this.#host, this, this.mate].filter((one) => one !== undefined);
  }

  /** SIGTERM: drains, leaves, and exits. */
  async stop(): Promise<void> {
    if (this.stopping || this.gone) return;
    void this.mate?.stop();
    this.stopping = true;
    this.#note('stopping');
    await this.queue.stop();
    this.gone = true;
    this.#note('stopped', { timers: this.machine.pending });
  }

  /** SIGKILL. It ends all queues of the process, also one that could not start or has stopped. */
  kill(): void {
    if (this.gone) return;
    for (const queue of this.together) queue.#die();
  }

  #die(): void {
    if (this.#killed) return;
    this.#killed = true;
    this.#note('killed');
    if (this.gone) return;
    this.gone = true;
    this.link.kill();
    this.machine.freeze('runs');
    this.onKilled();
  }

  crashAt(point: CrashPoint): void {
    this.link.crashAt(point, () => this.kill());
  }

  /** The time as it is, whatever the clock of the machine says, in ms since the epoch. */
  get trueTime(): number {
    return this.#shared.root.wallMs();
  }

  /** Ends a pause, unless the process cannot. */
  resume(): void {
    if (this.plan !== undefined && !this.gone && !this.frozen) this.queue.resume();
  }

  freeze(monotonic: 'runs' | 'stops'): void {
    if (this.frozen || this.gone) return;
    this.frozen = true;
    this.machine.freeze(monotonic);
    this.link.freeze();
    this.#host?.freeze(monotonic);
    this.mate?.freeze(monotonic);
  }

  thaw(): void {
    if (!this.frozen || this.gone) return;
    this.frozen = false;
    this.machine.thaw();
    this.link.thaw();
    this.queue.health(); // a probe comes before its loops have caught up
    this.#host?.thaw();
    this.mate?.thaw();
  }

  /** Calls the public API, and writes down what was asked and answered. Never rejects. */
  async call<T>(
    method: string,
    make: (queue: AnyFleetQ) => Promise<T>,
    details: { readonly stepId?: string; readonly key?: string; readonly [key: string]: unknown } = {},
    shown: (answer: T) => { readonly stepIds?: readonly string[]; readonly answer?: unknown } = (answer) => ({
      answer,
    }),
  ): Promise<T | undefined> {
    const { history } = this.#shared;
    const call = ++this.#shared.nextCall;
    const { stepId, key, ...rest } = details;
    history.add({
      kind: 'asked',
      call,
      process: this.name,
      method,
      ...(stepId === undefined ? {} : { stepId }),
      ...(key === undefined ? {} : { key }),
      details: rest,
    });
    if (method !== 'waitFor') this.openCalls++;
    try {
      const answer = await make(this.queue);
      if (this.#killed) return undefined;
      history.add({ kind: 'told', call, ...shown(answer) });
      return answer;
    } catch (error) {
      history.add({ kind: 'told', call, error: codeOf(error) });
      return undefined;
    } finally {
      if (method !== 'waitFor') this.openCalls--;
    }
  }

  #run(behaviour: Behaviour, ctx: StepContext): unknown {
    if (this.#killed) return new Promise(() => {}); // in the middle of a turn, whose rest is not its own any more
    const { history, runs } = this.#shared;
    const nth = (runs.get(ctx.stepId) ?? 0) + 1;
    runs.set(ctx.stepId, nth);
    const run = ++this.#shared.nextRun;
    history.add({ kind: 'began', run, process: this.name, stepId: ctx.stepId, attempt: ctx.attempt });
    const ended = (how: RunEnded['how']): void => history.add({ kind: 'ended', run, how, aborted: ctx.signal.aborted });
    const now = atOnce(behaviour);
    if (now === undefined) return this.#goesOn(behaviour, ctx, nth, ended);
    try {
      const result = now();
      ended('returned');
      return result;
    } catch (error) {
      ended('threw');
      throw error;
    }
  }

  async #goesOn(
    behaviour: Behaviour,
    ctx: StepContext,
    nth: number,
    ended: (how: RunEnded['how']) => void,
  ): Promise<unknown> {
    try {
      const result = await behave(behaviour, ctx, this.#ownMachine, nth);
      if (this.#killed) return await new Promise(() => {}); // it was killed: nothing is left of it
      ended('returned');
      return result;
    } catch (error) {
      ended(isRelease(behaviour, nth, ctx) ? 'released' : 'threw');
      throw error;
    }
  }

  #note(what: ProcessChanged['what'], details?: ProcessChanged['details'], settings?: ProcessSettings): void {
    this.#shared.history.add({
      kind: 'process',
      process: this.name,
      podId: this.podId,
      what,
      ...(settings === undefined ? {} : { settings }),
      ...(details === undefined ? {} : { details }),
    });
  }
}

/** The types that a pod handles. */
function typesOf({ types, many = 0 }: PodPlan): readonly string[] {
  return many === 0 ? types : [...types, ...manyTypes(many)];
}

function rhythmOf({ heartbeatMs, deadAfterMs }: PodPlan) {
  return {
    heartbeatIntervalMs: heartbeatMs,
    deadAfterMs,
    recoveryIntervalMs: heartbeatMs * 2,
    claimIntervalMs: 300,
    idleIntervalMs: 2_000,
  };
}

function codeOf(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: unknown };
  return typeof code === 'string' ? code : String(name);
}
