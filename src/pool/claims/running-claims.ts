/**
 * The claims whose handlers run, strays included, and how many slots they take.
 *
 * Invariants:
 * - A slot is taken from the call of a handler until it has returned.
 * - A step has at most one running handler here. A handler that returns at once is never put into the map.
 */
import type { HeldClaim } from './held-claim.js';

export class RunningClaims {
  readonly #byStep = new Map<string, HeldClaim>();
  /** The claim whose handler is being called right now. */
  #calling: HeldClaim | undefined;
  #busy = 0;
  #strays = 0;
  #returns = 0;

  /** Slots with a handler in them, strays included. */
  get busy(): number {
    return this.#busy;
  }

  get strays(): number {
    return this.#strays;
  }

  /** How many handlers have returned so far. */
  get returns(): number {
    return this.#returns;
  }

  /** The claim whose handler runs this step. Later claims of the step cannot start until it has returned. */
  find(stepId: string): HeldClaim | undefined {
    if (this.#calling?.claim.stepId === stepId) return this.#calling;
    return this.#byStep.size === 0 ? undefined : this.#byStep.get(stepId);
  }

  isCalling(held: HeldClaim): boolean {
    return this.#calling === held;
  }

  /** Claims whose handlers run, without strays. */
  withoutStrays(): HeldClaim[] {
    const claims = [...this.#byStep.values()].filter(({ state }) => state === 'running');
    return this.#calling === undefined ? claims : [...claims, this.#calling];
  }

  /** Claims whose handlers returned a promise, strays included. */
  pending(): IterableIterator<HeldClaim> {
    return this.#byStep.values();
  }

  /** The handler is about to be called. */
  call(held: HeldClaim): void {
    this.#calling = held;
    this.#busy++;
  }

  /** The call is over: the handler threw, returned a value, or returned a promise. */
  called(): void {
    this.#calling = undefined;
  }

  /** The handler returned a promise. */
  goesOn(held: HeldClaim): void {
    this.#byStep.set(held.claim.stepId, held);
  }

  /** The promise has settled. */
  settled(held: HeldClaim): void {
    this.#byStep.delete(held.claim.stepId);
  }

  /** The handler has returned: its slot is free. */
  returned(): void {
    this.#busy--;
    this.#returns++;
  }

  /** The claim is settled without its handler, which still runs. */
  addStray({ handler }: HeldClaim): void {
    this.#strays++;
    handler.strayAdded();
  }

  /** The handler of a stray has returned. */
  removeStray({ handler }: HeldClaim): void {
    this.#strays--;
    handler.strayRemoved();
  }
}
