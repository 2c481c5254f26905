/**
 * A fleet in a box: simulated processes over one world, and what a plan does to them.
 *
 * Invariants:
 * - All time is the box's. Nothing waits in real time.
 * - An action that has nobody to act on does nothing.
 */
import { sleep } from '../../../src/runtime/runtime.js';
import type { Fault } from '../history/history.js';
import type { Action, Plan, PodPlan } from '../plan/plan.js';
import { Callers, isCall } from './callers.js';
import type { Cut } from './process-link.js';
import { SimulatedProcess, type Surroundings } from './simulated-process.js';

/** The calls by which a pod shows that it lives, and those by which a leader recovers. */
const HEARTBEATS = /heartbeat/i;
const RECOVERY = /orphans|evict/i;

/** What befalls a process befalls every queue in it. Other faults are those of one queue's way to the store. */
const OF_THE_PROCESS: ReadonlySet<string> = new Set(['crash', 'freeze', 'stalls', 'clock', 'drift', 'restart']);

/** How soon a pod that was killed is replaced. */
const RESTART_MS = 1_500;

/** How soon after a pod was cut off another takes its podId. */
const REPLACE_MS = 400;
/** How long the store is away while calls are applied again. */
const REPLAY_MS = 1_500;

/** What happens to one pod. */
type ToOnePod = Exclude<Extract<Action, { readonly pod: number }>, { readonly do: 'cut' }>;

export class FleetBox {
  readonly processes: SimulatedProcess[] = [];
  readonly #shared: Surroundings;
  readonly #plan: Plan;
  readonly #callers: Callers;
  #podIds = 0;

  constructor(plan: Plan, shared: Surroundings) {
    this.#plan = plan;
    this.#shared = shared;
    const client = new SimulatedProcess('client', 'client', undefined, shared);
    this.#callers = new Callers(
      client,
      () => this.running,
      () => shared.world.rows().steps,
    );
    this.processes.push(client);
  }

  /** The pods that are alive, and the clients. */
  get #living(): SimulatedProcess[] {
    return this.processes.filter(({ gone }) => !gone);
  }

  /** The pods that are alive, frozen ones included. */
  get alive(): SimulatedProcess[] {
    return this.#living.filter(({ plan }) => plan !== undefined);
  }

  /** The pods that serve calls. */
  get running(): SimulatedProcess[] {
    return this.alive.filter(({ started, stopping, frozen }) => started && !stopping && !frozen);
  }

  /** Starts the fleet, and sets a timer for each action. */
  begin(): void {
    for (const pod of this.#plan.pods) this.#start(pod);
    for (const action of this.#plan.actions) this.#shared.root.after(action.at, () => this.#act(action));
  }

  /** The last fault is over: whatever a plan has left broken works again. */
  calm(): void {
    for (const process of this.alive) {
      process.thaw();
      process.link.mend();
      process.link.spare();
      process.link.slow(0);
      process.link.refuse(undefined);
      process.resume();
    }
    this.complete();
    this.#shared.world.calm();
    this.#shared.history.add({ kind: 'calm' });
  }

  #start(plan: PodPlan, podId = `pod-${++this.#podIds}`): void {
    const made = new SimulatedProcess(`p${this.processes.length}`, podId, plan, this.#shared);
    made.onKilled = () => {
      this.#shared.root.after(RESTART_MS, () => this.complete());
    };
    this.processes.push(made);
    void made.start();
    if (plan.hasMate === true) this.#startMate(made, plan);
  }

  /** Another queue in the process of this one. */
  #startMate(host: SimulatedProcess, plan: PodPlan): void {
    const own = { ...plan, hasMate: false }; // it is not started again by itself
    const mate = new SimulatedProcess(`${host.name}b`, `${host.podId}-b`, own, this.#shared, host);
    host.mate = mate;
    this.processes.push(mate);
    void mate.start();
  }

  /** Starts what is missing of the planned fleet, as an orchestrator does. */
  complete(): void {
    for (const plan of this.#plan.pods) {
      if (!this.alive.some((pod) => pod.plan === plan && !pod.stopping && !pod.drained)) this.#start(plan);
    }
  }

  #act(action: Action): void {
    if (action.do === 'look') this.#probe();
    if (isCall(action)) return this.#callers.act(action);
    switch (action.do) {
      case 'scale':
        return this.#scale(action.to);
      case 'roll':
        return void this.#roll(action.everyMs);
      case 'cut':
        return this.#cut(action);
      case 'flaps':
        return this.#flap(action, this.#shared.root.monotonicMs() + action.forMs);
      case 'sql':
        return this.#shared.world.writeByHand?.(action.nth);
      case 'lock':
        return this.#lock(action.forMs);
      case 'slow':
        return this.#slow(action.forMs, action.byMs);
      default: {
        const pod = this.#chosen(action.pod);
        if (pod !== undefined) this.#befall(pod, action);
      }
    }
  }

  #befall(pod: SimulatedProcess, action: ToOnePod): void {
    const { root } = this.#shared;
    const until = (forMs: number): Pick<Fault, 'until'> => ({ until: root.monotonicMs() + forMs });
    switch (action.do) {
      case 'crash':
        this.#fault('crash', pod, { details: { when: action.when } });
        return action.when === 'now' ? pod.kill() : pod.crashAt(action.when);
      case 'freeze':
      case 'suspend': {
        const monotonic = action.do === 'suspend' ? 'stops' : action.monotonic;
        this.#fault('freeze', pod, { ...until(action.forMs), details: { monotonic } });
        pod.freeze(monotonic);
        return void root.after(action.forMs, () => pod.thaw());
      }
      case 'stalls':
        this.#fault('stalls', pod, until(action.forMs));
        return this.#stall(pod, action, root.monotonicMs() + action.forMs);
      case 'clock':
        this.#fault('clock', pod, { details: { byMs: action.byMs } });
        return pod.machine.shiftWall(action.byMs);
      case 'drift':
        this.#fault('drift', pod, { details: { perMille: action.perMille } });
        return pod.machine.drift(action.perMille);
      case 'restart':
        return void this.#restart(pod, action.hard);
      case 'double':
        this.#fault('double', pod, { details: { podId: pod.podId } });
        return this.#start(pod.plan!, pod.podId);
      case 'replace':
        return this.#replace(pod, action.forMs);
      case 'surprise':
        return pod.link.surprise(() => this.#callers.submitSmall(), action.atFirst);
      case 'replay':
        pod.link.remember();
        return void root.after(action.forMs, () => this.#replay(pod));
      case 'evict':
        this.#fault('evict', pod, until(action.forMs));
        return this.#refuse(pod, HEARTBEATS, action.forMs);
      case 'breakRecovery':
        this.#fault('breakRecovery', pod, until(action.forMs));
        return this.#refuse(pod, RECOVERY, action.forMs);
      case 'pause':
        pod.queue.pause();
        return void root.after(action.forMs, () => pod.resume());
    }
  }

  /** Every process that runs is asked how it is, whatever it does at that time. */
  #probe(): void {
    for (const { frozen, isKilled, queue } of this.processes) if (!frozen && !isKilled) queue.health();
  }

  #refuse(pod: SimulatedProcess, names: RegExp, forMs: number): void {
    pod.link.refuse(names);
    this.#shared.root.after(forMs, () => pod.link.refuse(undefined));
  }

  #chosen(index: number): SimulatedProcess | undefined {
    const { alive } = this;
    return alive[index % Math.max(1, alive.length)];
  }

  #fault(name: string, pod: SimulatedProcess | undefined, rest: Pick<Fault, 'until' | 'details'> = {}): void {
    const { history } = this.#shared;
    if (pod === undefined) return history.add({ kind: 'fault', name, ...rest });
    for (const one of OF_THE_PROCESS.has(name) ? pod.together : [pod])
      history.add({ kind: 'fault', name, process: one.name, ...rest });
  }

  #cut({ pod, forMs, how }: Extract<Action, { readonly do: 'cut' }>): void {
    const { root } = this.#shared;
    const affected = pod === 'all' ? this.#living : [this.#chosen(pod)];
    for (const process of affected) {
      if (process === undefined) continue;
      this.#noteCut(process, forMs, how);
      root.after(forMs, process.link.cut(how));
    }
  }

  #noteCut(process: SimulatedProcess, forMs: number, how: Cut): void {
    this.#fault('cut', process, { until: this.#shared.root.monotonicMs() + forMs, details: { how } });
  }

  #flap(flaps: Extract<Action, { readonly do: 'flaps' }>, until: number): void {
    const { root } = this.#shared;
    const { awayMs, backMs } = flaps;
    if (root.monotonicMs() + awayMs > until) return;
    this.#cut({ at: flaps.at, do: 'cut', pod: 'all', forMs: awayMs, how: 'fails' });
    root.after(awayMs + backMs, () => this.#flap(flaps, until));
  }

  /** Nobody reads or writes: for each process it is as if it was cut off. */
  #lock(forMs: number): void {
    const { root, world } = this.#shared;
    for (const process of this.#living) this.#noteCut(process, forMs, 'fails');
    root.after(forMs, world.lock?.() ?? (() => {}));
  }

  #slow(forMs: number, byMs: number): void {
    const { root } = this.#shared;
    this.#fault('slow', undefined, { until: root.monotonicMs() + forMs, details: { byMs } });
    for (const process of this.processes) process.link.slow(byMs);
    root.after(forMs, () => {
      for (const process of this.processes) process.link.slow(0);
    });
  }

  /** The event loop is blocked again and again, each time for a moment. */
  #stall(pod: SimulatedProcess, { eachMs, everyMs }: { eachMs: number; everyMs: number }, until: number): void {
    const { root } = this.#shared;
    if (root.monotonicMs() >= until || pod.gone) return;
    pod.freeze('runs');
    root.after(eachMs, () => pod.thaw());
    root.after(Math.max(everyMs, eachMs + 1), () => this.#stall(pod, { eachMs, everyMs }, until));
  }

  async #restart(pod: SimulatedProcess, hard: boolean): Promise<void> {
    this.#fault('restart', pod, { details: { hard } });
    if (hard) pod.kill();
    else await pod.stop();
    this.#start(pod.plan!, pod.podId);
  }

  /** A pod that cannot reach the store is replaced under its podId. Later it reaches the store again. */
  #replace(pod: SimulatedProcess, forMs: number): void {
    const { root } = this.#shared;
    this.#fault('cut', pod, { until: root.monotonicMs() + forMs, details: { how: 'fails' } });
    const mend = pod.link.cut('fails');
    root.after(REPLACE_MS, () => this.#start(pod.plan!, pod.podId));
    root.after(forMs, mend);
  }

  /** While nobody reaches the store, it gets again what a pod has sent: something on the way had kept it. */
  #replay(pod: SimulatedProcess): void {
    const again = pod.link.recall();
    this.#cut({ at: 0, do: 'cut', pod: 'all', forMs: REPLAY_MS, how: 'fails' });
    again.forEach((apply, i) => this.#shared.root.after(1 + ((REPLAY_MS / 2) * i) / again.length, apply));
  }

  #scale(to: number): void {
    const { alive } = this;
    this.#fault('scale', undefined, { details: { to } });
    for (let i = alive.length; i < to; i++) this.#start(this.#plan.pods[i % this.#plan.pods.length]!);
    for (const pod of alive.slice(to)) void pod.stop();
  }

  /** A rolling deployment: each pod is replaced in turn. */
  async #roll(everyMs: number): Promise<void> {
    this.#fault('roll', undefined);
    for (const pod of this.alive.filter(({ isMate }) => !isMate)) {
      this.#start(pod.plan!);
      void pod.stop();
      await sleep(this.#shared.root, everyMs);
    }
  }
}
