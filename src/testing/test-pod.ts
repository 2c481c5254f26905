/**
 * A pod of a test fleet: a place for a process, as a container in Kubernetes is. The process may die, and another takes its place.
 */
import { FleetQError } from '../errors.js';
import { boolean, checkFields } from '../input/field-checks.js';
import type { Health } from '../fleet/health.js';
import { isStoreError } from '../store/contract.js';
import type { PodLife } from './pod-life.js';

export interface CrashOptions {
  /**
   * Whether a new process of the same podId starts a second later, as Kubernetes restarts a container. Default `true`.
   * With `false` other pods must take over.
   */
  readonly restart?: boolean;
}

/** A pod of a test fleet. */
export interface TestPod {
  readonly podId: string;
  /** `starting` until time has moved for the first time, and after a crash until the new process runs. */
  readonly state: 'starting' | 'running' | 'frozen' | 'crashed' | 'stopping' | 'stopped';
  /** `health()` of its queue. */
  health(): Health;
  /**
   * The process dies at once, as by SIGKILL. What it held is recovered when the fleet finds it dead, after `deadAfterMs`. Handlers
   * that run on it cannot be stopped: what they do from now on reaches nothing of the fleet.
   *
   * @throws FleetQError `NOT_STARTED` if no process runs
   */
  crash(options?: CrashOptions): void;
  /** The process stands still, as by SIGSTOP: it sends no heartbeats, and after `deadAfterMs` others take its steps. */
  freeze(): void;
  /** A frozen process goes on. */
  resume(): void;
  /** The process does not reach the store: each call fails at once. */
  disconnect(): void;
  /** It reaches the store again. */
  reconnect(): void;
  /** Stops the process as SIGTERM does: running handlers may finish. It is not restarted. */
  stop(): Promise<void>;
}

export interface PodPlaceDependencies {
  readonly podId: string;
  /** The step types that it handles. */
  readonly types: () => readonly string[];
  /** Makes a process. */
  readonly begin: (onDeath: (restart: boolean) => void) => PodLife;
  /** Calls back after a while of virtual time. */
  readonly later: (callback: () => void) => void;
  /** Moves time until the promise has settled. */
  readonly move: (call: () => Promise<void>) => Promise<void>;
  /** Reports an error of the start that no restart mends. */
  readonly onError: (error: Error) => void;
  /** A fault begins or ends. */
  readonly onFault: () => void;
  /** The process is gone. */
  readonly onEnd: (life: PodLife) => void;
}

const CRASH = { restart: boolean };

/** @throws ValidationError `OPTION_INVALID` */
export function checkCrashOptions(options: CrashOptions): void {
  checkFields(options, CRASH, 'OPTION_INVALID', 'options');
}

export class PodPlace implements TestPod {
  readonly podId: string;
  readonly #deps: PodPlaceDependencies;
  #life: PodLife | undefined;
  /** Whether a process will start by itself. */
  #awaited = true;
  #last: Health | undefined;

  constructor(deps: PodPlaceDependencies) {
    this.podId = deps.podId;
    this.#deps = deps;
  }

  /** The process, if there is one that has not died. */
  get life(): PodLife | undefined {
    return this.#life;
  }

  get types(): readonly string[] {
    return this.#deps.types();
  }

  /** Whether it can run steps, now or when it has been restarted. */
  get canWork(): boolean {
    return this.#life === undefined ? this.#awaited : this.#life.canWork;
  }

  get state(): TestPod['state'] {
    if (this.#life === undefined) return this.#last === undefined ? 'starting' : 'crashed';
    const { state } = this.#life;
    return state === 'dead' ? 'crashed' : state;
  }

  /** Starts the first process, if there was none yet. */
  beginFirst(): Promise<void> {
    return this.#last === undefined ? this.#begin() : Promise.resolve();
  }

  /** Starts a process. Resolves when it runs, or has failed to. */
  async #begin(): Promise<void> {
    if (this.#life !== undefined || !this.#awaited) return;
    this.#awaited = false;
    const life = this.#deps.begin((restart) => this.#died(restart));
    this.#life = life;
    try {
      await life.start();
    } catch (error) {
      if (life.isDead || life.state === 'stopping') return;
      if (isStoreError(error) && error.transient) life.die(true);
      else this.#deps.onError(error as Error);
    }
  }

  health(): Health {
    const { queue } = this.#running('health', this.#life);
    return queue.health();
  }

  crash(options: CrashOptions = {}): void {
    checkCrashOptions(options);
    this.#running('crash', this.#life).die(options.restart ?? true);
  }

  freeze(): void {
    this.#faulty('freeze').freeze();
  }

  resume(): void {
    this.#faulty('resume').thaw();
  }

  disconnect(): void {
    this.#faulty('disconnect').disconnect();
  }

  reconnect(): void {
    this.#faulty('reconnect').reconnect();
  }

  async stop(): Promise<void> {
    this.#awaited = false;
    const life = this.#life;
    if (life === undefined || life.state === 'stopped') return;
    life.thaw();
    await this.#deps.move(() => life.stop());
    this.#deps.onEnd(life);
  }

  #died(restart: boolean): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#last = life.queue.health();
    this.#life = undefined;
    this.#deps.onEnd(life);
    this.#deps.onFault();
    if (!restart) return;
    this.#awaited = true;
    this.#deps.later(() => void this.#begin());
  }

  #faulty(what: string): PodLife {
    const life = this.#running(what, this.#life);
    this.#deps.onFault();
    return life;
  }

  #running(what: string, life: PodLife | undefined): PodLife {
    if (life !== undefined) return life;
    const hint =
      this.#last === undefined ? 'it starts when time first moves, or by await fleet.start()' : 'it has crashed';
    throw new FleetQError('NOT_STARTED', `${what}: ${this.podId} does not run; ${hint}`);
  }
}
