/** Whether the warehouse runs, and its cost: per second, and at least a minute for each resume. */
import { pause, unlessAborted } from './pause.js';
import { refusals } from './wire-replies.js';

export interface SuspensionOptions {
  /** AUTO_SUSPEND: idle for so long, it suspends. */
  readonly autoSuspendSeconds: number;
  readonly resumeMs: number;
  /** How many ms here make one of Snowflake's seconds. */
  readonly secondMs: number;
  /** X-Small: 1. */
  readonly creditsPerHour: number;
  /** Whether it can be resumed; an exhausted resource monitor forbids it. */
  readonly resumable: boolean;
}

const SUSPENSION: SuspensionOptions = {
  autoSuspendSeconds: 60,
  resumeMs: 0,
  secondMs: 1_000,
  creditsPerHour: 1,
  resumable: true,
};

const LEAST_SECONDS = 60;

export class Suspension {
  #options: SuspensionOptions;
  /** When it was resumed; `undefined` while suspended. */
  #since: number | undefined;
  #idleSince = 0;
  #active = 0;
  #billedSeconds = 0;
  #resumes = 0;
  /** When the current resume ends. */
  #resumed: number | undefined;
  /** Set while resumes are held; resolves when they are released. */
  #held: Promise<void> | undefined;
  #waiting = 0;

  constructor(options: Partial<SuspensionOptions>) {
    this.#options = { ...SUSPENSION, ...options };
  }

  get secondMs(): number {
    return this.#options.secondMs;
  }

  get state(): 'suspended' | 'running' {
    this.#settle();
    return this.#since === undefined ? 'suspended' : 'running';
  }

  /** How often it was resumed. */
  get resumes(): number {
    return this.#resumes;
  }

  /** How many statements wait for it to resume. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The cost so far, including the current run. */
  get credits(): number {
    this.#settle();
    const running = this.#since === undefined ? 0 : this.#seconds(this.#since, performance.now());
    return ((this.#billedSeconds + running) / 3_600) * this.#options.creditsPerHour;
  }

  configure(options: Partial<SuspensionOptions>): void {
    this.#settle();
    this.#options = { ...this.#options, ...options };
  }

  /** ALTER WAREHOUSE … SUSPEND: running statements run to their end, and are not billed. */
  suspend(): void {
    this.#settle();
    if (this.#since !== undefined) this.#stop(performance.now());
  }

  /** Holds resumes until the returned function is called. Statements wait meanwhile. */
  holdResume(): () => void {
    this.#settle();
    let end!: () => void;
    const held = (this.#held = new Promise((resolve) => (end = resolve)));
    return () => {
      end();
      if (this.#held !== held) return;
      this.#held = undefined;
      if (this.#resumed !== undefined) this.#resumed = Math.max(this.#resumed, performance.now());
    };
  }

  /** Uses the warehouse until the returned function is called. Resumes it first if it is suspended. */
  async use(warehouse: string, signal: AbortSignal): Promise<() => void> {
    this.#settle();
    this.#active++;
    let used = false;
    const leave = () => {
      if (used) return;
      used = true;
      this.#active--;
      this.#idleSince = Math.max(this.#idleSince, performance.now());
    };
    try {
      while (this.#since === undefined) await this.#wait(warehouse, signal);
      return leave;
    } catch (error) {
      leave();
      throw error;
    }
  }

  async #wait(warehouse: string, signal: AbortSignal): Promise<void> {
    this.#waiting++;
    try {
      await pause(this.#resume(warehouse) - performance.now(), signal);
      await unlessAborted(this.#held, signal);
    } finally {
      this.#waiting--;
    }
    this.#settle();
  }

  /** Resolves when it runs. All waiting statements share the resume, so a cancelled one does not stop it. */
  #resume(warehouse: string): number {
    if (!this.#options.resumable) throw refusals.cannotResume(warehouse);
    if (this.#resumed !== undefined) return this.#resumed;
    this.#resumes++;
    return (this.#resumed = performance.now() + this.#options.resumeMs);
  }

  /** No timer runs: whether it has woken or fallen asleep meanwhile is found out when somebody asks. */
  #settle(): void {
    if (this.#resumed !== undefined && this.#held === undefined && performance.now() >= this.#resumed) {
      this.#since = this.#resumed;
      this.#idleSince = Math.max(this.#idleSince, this.#resumed);
      this.#resumed = undefined;
    }
    if (this.#since === undefined || this.#active > 0) return;
    const end = this.#idleSince + this.#options.autoSuspendSeconds * this.#options.secondMs;
    if (performance.now() >= end) this.#stop(end);
  }

  #stop(at: number): void {
    this.#billedSeconds += this.#seconds(this.#since ?? at, at);
    this.#since = undefined;
  }

  #seconds(from: number, to: number): number {
    return Math.max(LEAST_SECONDS, (to - from) / this.#options.secondMs);
  }
}
