/**
 * Whether the warehouse runs, and what it costs: per second, and at least a minute for each resume.
 *
 * Invariants:
 * - No timer runs for a suspension: whether it has happened is found out when somebody asks.
 * - Statements that come while it resumes share the resume.
 */
import type { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';

export interface PowerRules {
  readonly resumeMs: number;
  readonly suspendAfterMs: number;
  readonly creditsPerHour: number;
}

const LEAST_BILLED_MS = 60_000;

export class Power {
  readonly #machine: VirtualRuntime;
  readonly #rules: PowerRules;
  /** When it was resumed; `undefined` while it is suspended. */
  #since: number | undefined;
  /** When the resume that is under way ends. */
  #resumesAt: number | undefined;
  #idleSince: number;
  #users = 0;
  #billedMs = 0;
  #upMs = 0;
  #resumes = 0;

  constructor(machine: VirtualRuntime, rules: PowerRules) {
    this.#machine = machine;
    this.#rules = rules;
    this.#idleSince = machine.monotonicMs();
    if (rules.suspendAfterMs <= 0) this.#since = this.#idleSince;
  }

  /** How often it was resumed. */
  get resumes(): number {
    return this.#resumes;
  }

  get isRunning(): boolean {
    this.#settle();
    return this.#since !== undefined;
  }

  /** For how long it has run. */
  get upMs(): number {
    this.#settle();
    return this.#upMs + (this.#since === undefined ? 0 : this.#machine.monotonicMs() - this.#since);
  }

  get credits(): number {
    this.#settle();
    const running = this.#since === undefined ? 0 : billed(this.#machine.monotonicMs() - this.#since);
    return ((this.#billedMs + running) / 3_600_000) * this.#rules.creditsPerHour;
  }

  /** A statement needs it from now on. Returns how long it has to wait for the resume, in ms. */
  use(): number {
    this.#settle();
    this.#users++;
    if (this.#since !== undefined) return 0;
    const now = this.#machine.monotonicMs();
    if (this.#resumesAt === undefined) {
      this.#resumesAt = now + this.#rules.resumeMs;
      this.#resumes++;
    }
    return this.#resumesAt - now;
  }

  /** That statement has ended. */
  leave(): void {
    this.#settle();
    this.#users--;
    this.#idleSince = this.#machine.monotonicMs();
  }

  #settle(): void {
    const now = this.#machine.monotonicMs();
    if (this.#resumesAt !== undefined && now >= this.#resumesAt) {
      this.#since = this.#resumesAt;
      this.#idleSince = Math.max(this.#idleSince, this.#resumesAt);
      this.#resumesAt = undefined;
    }
    const { suspendAfterMs } = this.#rules;
    if (this.#since === undefined || this.#users > 0 || suspendAfterMs <= 0) return;
    const end = this.#idleSince + suspendAfterMs;
    if (now < end) return;
    this.#upMs += end - this.#since;
    this.#billedMs += billed(end - this.#since);
    this.#since = undefined;
  }
}

function billed(ms: number): number {
  return Math.max(LEAST_BILLED_MS, ms);
}
