/**
 * One process of a simulated fleet: a whole `FleetQ` on a machine of its own, whose calls, runs and events go into the history.
 *
 * Invariants: once killed, it never does anything again, and costs nothing.
 */
import { FleetQ, type AnyFleetQ } from '../../../src/index.js';
import type { Logger } from '../../../src/log.js';
import type { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import type { StepContext } from '../../../src/step/handler-context.js';
import type { History, ProcessChanged, ProcessSettings, RunEnded } from '../history/history.js';
import type { Behaviour, PodPlan } from '../plan/plan.js';
import type { World } from '../worlds/world.js';
import { ProcessLink, type CrashPoint } from './process-link.js';
import { recordEvents } from './recorded-events.js';
import { behave, isRelease, MOST_BYTES, STEP_TYPES } from './step-types.js';

/** What the processes of a fleet share beside the store: the world around them, and what is written down. */
export interface Surroundings {
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

/** How long finished steps are kept: longer than most plans, so that a caller can still read them. */
const RETENTION_MS = 600_000;

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
  started = false;
  stopping = false;
  /** It drained permanently: it was superseded, or it is outdated. Whatever it was started for is missing. */
  drained = false;
  onKilled = (): void => {};

  constructor(name: string, podId: string, plan: PodPlan | undefined, shared: Surroundings) {
    this.name = name;
    this.podId = podId;
    this.plan = plan;
    this.#shared = shared;
    this.machine = shared.root.fork();
    this.link = new ProcessLink(name, shared.network);
    const { machine, link } = this;
    const queue: FleetQ = new FleetQ({
      store: shared.world.storeOf(machine, link),
      runtime: machine,
      logger: shared.logger,
      podId,
      abortGraceMs: 500,
      drainTimeoutMs: 2_000,
      maxPayloadBytes: MOST_BYTES,
      retentionMs: RETENTION_MS,
      retry: { baseMs: 300, capMs: 2_000 },
      ...(plan === undefined ? {} : { concurrency: plan.slots, ...rhythmOf(plan) }),
    });
    this.queue = queue;
    for (const type of plan?.types ?? []) {
      const run = (args: unknown, ctx: StepContext) => this.#run(args as Behaviour, ctx);
      queue.register(type, run, STEP_TYPES[type] ?? {});
    }
    recordEvents(this.queue, (name, stepId, fields) => {
      if (this.#killed) return; // it dies in the middle of a turn, whose rest is not its own any more
      if (name === 'pod:fenced' && fields['recoverable'] === false) this.drained = true;
      if (name === 'pod:joined' && fields['podId'] === podId && !this.drained)
        this.incarnation = String(fields['incarnation']);
      shared.history.add({
        kind: 'event',
        process: this.name,
        name,
        fields,
        ...(stepId === undefined ? {} : { stepId }),
      });
    });
  }

  /** Starts the pod. Resolves, at the latest, when the process is gone. */
  async start(): Promise<void> {
    this.#note('starts', undefined, this.plan);
    try {
      await this.queue.start();
      this.started = true;
      this.#note('started');
    } catch (error) {
      this.#note('stopped', { error: codeOf(error) });
      this.gone = true;
    }
  }

  /** SIGTERM: drains, leaves, and exits. */
  async stop(): Promise<void> {
    if (this.stopping || this.gone) return;
    this.stopping = true;
    this.#note('stopping');
    await this.queue.stop();
    this.gone = true;
    this.#note('stopped', { timers: this.machine.pending });
  }

  /** SIGKILL. */
  kill(): void {
    if (this.gone) return;
    this.gone = true;
    this.#killed = true;
    this.#note('killed');
    this.link.kill();
    this.machine.freeze('runs');
    this.onKilled();
  }

  crashAt(point: CrashPoint): void {
    this.link.crashAt(point, () => this.kill());
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
  }

  thaw(): void {
    if (!this.frozen || this.gone) return;
    this.frozen = false;
    this.machine.thaw();
    this.link.thaw();
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
    try {
      const answer = await make(this.queue);
      if (this.#killed) return undefined;
      history.add({ kind: 'told', call, ...shown(answer) });
      return answer;
    } catch (error) {
      history.add({ kind: 'told', call, error: codeOf(error) });
      return undefined;
    }
  }

  async #run(behaviour: Behaviour, ctx: StepContext): Promise<unknown> {
    const { history, runs } = this.#shared;
    const nth = (runs.get(ctx.stepId) ?? 0) + 1;
    runs.set(ctx.stepId, nth);
    const run = ++this.#shared.nextRun;
    history.add({ kind: 'began', run, process: this.name, stepId: ctx.stepId, attempt: ctx.attempt });
    const ended = (how: RunEnded['how']): void => history.add({ kind: 'ended', run, how, aborted: ctx.signal.aborted });
    try {
      const result = await behave(behaviour, ctx, { runtime: this.machine, kill: () => this.kill() }, nth);
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
