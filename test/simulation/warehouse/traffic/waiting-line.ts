/**
 * A limited number of places, and those who wait for one.
 *
 * Invariants:
 * - Those who wait are let in in the order of asking, or in a random one. Nobody overtakes them.
 * - One who waits too long is turned away, at that moment. One timer serves the whole line.
 */
import type { Timer } from '../../../../src/runtime/runtime.js';
import type { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';

/** One who wants a place. */
export interface Comer {
  letIn(): void;
  tooLate(): void;
}

export interface LineRules {
  readonly places: number;
  /** How many may wait; the next is turned away at once. */
  readonly mayWait: number;
  readonly order: 'fifo' | 'random';
}

interface Place {
  readonly comer: Comer;
  readonly deadline: number;
}

export class WaitingLine {
  readonly #machine: VirtualRuntime;
  readonly #rules: LineRules;
  readonly #waiting: Place[] = [];
  #taken = 0;
  #timer: Timer | undefined;
  #timerAt = Infinity;

  constructor(machine: VirtualRuntime, rules: LineRules) {
    this.#machine = machine;
    this.#rules = rules;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Lets the comer in at once, or later; `false` if too many wait. */
  enter(comer: Comer, patienceMs: number): boolean {
    if (this.#taken < this.#rules.places && this.#waiting.length === 0) {
      this.#taken++;
      comer.letIn();
      return true;
    }
    if (this.#waiting.length >= this.#rules.mayWait) return false;
    const deadline = this.#machine.monotonicMs() + patienceMs;
    this.#waiting.push({ comer, deadline });
    this.#watch(deadline);
    return true;
  }

  /** Gives a place back, and lets the next one in. */
  leave(): void {
    this.#taken--;
    while (this.#taken < this.#rules.places) {
      const next = this.#next();
      if (next === undefined) return;
      this.#taken++;
      next.comer.letIn();
    }
  }

  /** It waits no longer. Does nothing if it does not wait. */
  withdraw(comer: Comer): void {
    const at = this.#waiting.findIndex((one) => one.comer === comer);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  #next(): Place | undefined {
    if (this.#rules.order === 'fifo' || this.#waiting.length < 2) return this.#waiting.shift();
    const [one] = this.#waiting.splice(Math.floor(this.#machine.random() * this.#waiting.length), 1);
    return one;
  }

  #watch(deadline: number): void {
    if (deadline >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = deadline;
    this.#timer = this.#machine.after(deadline - this.#machine.monotonicMs(), () => this.#turnAway());
  }

  #turnAway(): void {
    this.#timer = undefined;
    this.#timerAt = Infinity;
    const now = this.#machine.monotonicMs();
    const late = this.#waiting.filter(({ deadline }) => deadline <= now);
    for (const place of late) {
      this.#waiting.splice(this.#waiting.indexOf(place), 1);
      place.comer.tooLate();
    }
    const first = this.#waiting.reduce((least, { deadline }) => Math.min(least, deadline), Infinity);
    if (first < Infinity) this.#watch(first);
  }
}
