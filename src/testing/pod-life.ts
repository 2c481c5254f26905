/**
 * One life of a pod in a test fleet: a process, with its clocks, its way to the store and its queue.
 *
 * Invariants:
 * - A dead process does nothing any more: its timers never fire, its calls never end, its events reach nobody.
 * - While idle time is skipped, the clocks of a pod stand still. {@link PodLife.skippedMs} is what they lag behind.
 */
import type { Health } from '../fleet/health.js';
import type { AnyFleetQ } from '../queue-interface.js';
import type { VirtualRuntime } from '../runtime/virtual-runtime.js';
import type { HandlerRuns } from './handler-runs.js';
import type { HandlerRun, RunPod } from './handler-run.js';
import type { PodLink } from './pod-link.js';

export interface PodLifeDependencies {
  readonly podId: string;
  readonly machine: VirtualRuntime;
  readonly link: PodLink;
  readonly runs: HandlerRuns;
  /** The step types that it handles. */
  readonly types: readonly string[];
  readonly queue: (life: PodLife) => AnyFleetQ;
  /** It has died. */
  readonly onDeath: (restart: boolean) => void;
}

export class PodLife implements RunPod {
  readonly podId: string;
  readonly types: readonly string[];
  readonly link: PodLink;
  readonly queue: AnyFleetQ;
  readonly #machine: VirtualRuntime;
  readonly #runs: HandlerRuns;
  readonly #onDeath: (restart: boolean) => void;
  #state: 'starting' | 'running' | 'stopping' | 'stopped' | 'dead' = 'starting';
  #frozen = false;
  #paused = false;
  #skippedMs = 0;

  constructor({ podId, machine, link, runs, types, queue, onDeath }: PodLifeDependencies) {
    this.podId = podId;
    this.types = types;
    this.link = link;
    this.#machine = machine;
    this.#runs = runs;
    this.#onDeath = onDeath;
    this.queue = queue(this);
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get state(): 'starting' | 'running' | 'stopping' | 'stopped' | 'dead' | 'frozen' {
    return this.#frozen && !this.isDead ? 'frozen' : this.#state;
  }

  get skippedMs(): number {
    return this.#skippedMs;
  }

  /** Whether it can claim, run and settle steps, now or after a while. */
  get canWork(): boolean {
    const works = this.#state === 'starting' || this.#state === 'running';
    return works && !this.#frozen && !this.#paused && this.link.state === 'up';
  }

  /** How many handlers run, without strays. */
  get running(): number {
    return this.queue.health().currentCapacity;
  }

  /** Whether it runs handlers that wait for something real. Time must not run ahead of them. */
  get blocks(): boolean {
    if (this.isDead || this.#frozen || this.#state === 'stopped') return false;
    const { currentCapacity, strays } = this.queue.health();
    return currentCapacity > 0 && currentCapacity > this.#waiting(strays).length;
  }

  /** Whether it waits for work, or its handlers for the fleet, and no time-out runs. */
  get atRest(): boolean {
    if (this.#state !== 'running' || !this.canWork) return false;
    const { ready, currentCapacity, strays } = this.queue.health();
    if (!ready || currentCapacity === 0) return ready;
    const waiting = this.#waiting(strays);
    return waiting.length === currentCapacity && !waiting.some(({ timed }) => timed);
  }

  /** The calls of handlers that wait for the fleet. */
  #waiting(strays: number): readonly HandlerRun[] {
    return [...this.#runs.running].filter((run) => run.pod === this && run.waits && !(strays > 0 && run.aborted));
  }

  health(): Health {
    return this.queue.health();
  }

  async start(): Promise<void> {
    await this.queue.start();
    if (this.#state === 'starting') this.#state = 'running';
  }

  async stop(): Promise<void> {
    if (this.isDead) return;
    this.#state = 'stopping';
    await this.queue.stop();
    if (!this.isDead) this.#state = 'stopped';
  }

  /** SIGKILL. */
  die(restart: boolean): void {
    if (this.isDead) return;
    this.#state = 'dead';
    this.link.set('dead');
    this.#machine.remove();
    this.#runs.died(this);
    this.#onDeath(restart);
  }

  /** SIGSTOP. */
  freeze(): void {
    if (this.isDead || this.#frozen) return;
    this.#frozen = true;
    this.link.set('held');
    this.#machine.freeze('runs');
  }

  /** SIGCONT. */
  thaw(): void {
    if (this.isDead || !this.#frozen) return;
    this.#frozen = false;
    this.#machine.thaw();
    this.link.set('up');
  }

  disconnect(): void {
    if (!this.#frozen) this.link.set('down');
  }

  reconnect(): void {
    if (!this.#frozen) this.link.set('up');
  }

  pause(): void {
    this.#paused = true;
    this.queue.pause();
  }

  resume(): void {
    this.#paused = false;
    this.queue.resume();
  }

  /** Its clocks stand still until {@link PodLife.endSkip}, and its timers wait. */
  beginSkip(): void {
    this.#machine.freeze('stops');
  }

  /** @param ms the time that was skipped */
  endSkip(ms: number): void {
    this.#machine.thaw();
    this.#machine.shiftWall(-ms);
    this.#skippedMs += ms;
  }
}
