/**
 * Moves claims from the ready queue into free slots.
 *
 * Invariants:
 * - Nothing starts unless the pool's state, the self-fence and the other pools of the process allow it.
 * - Handlers that return at once start the next in the same turn. When a time slice is over, the event loop gets its turn.
 * - A claim whose step still runs here is given back, with a longer delay each time.
 * - A suspect starts only after the outcomes of all other claims have their receipts.
 */
import { exponentialMs } from '../../runtime/backoff.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { HeldClaim } from '../claims/held-claim.js';
import type { HeldClaims } from '../claims/held-claims.js';
import type { SuspectIsolation } from '../suspects/suspect-isolation.js';
import type { ReadonlyPoolState } from '../pool-state.js';
import type { Executor } from './executor.js';
import type { TimeSlice } from './time-slice.js';

/** The delay of a claim that is given back because its step still runs here. It doubles each time. */
const FIRST_BLOCK_MS = 1_000;
const LONGEST_BLOCK_MS = 60_000;
/** How long a permission of the self-fence is good for, in ms. */
const GUARD_MS = 1;

export interface SlotFillerDependencies {
  readonly runtime: Runtime;
  readonly slots: number;
  readonly state: ReadonlyPoolState;
  readonly claims: HeldClaims;
  readonly executor: Executor;
  readonly isolation: SuspectIsolation;
  readonly slice: TimeSlice;
  /** The self-fence: whether anything may start right now. */
  readonly mayProceed: () => boolean;
}

export class SlotFiller {
  readonly #deps: SlotFillerDependencies;
  #filling = false;
  #yielding = false;
  #allowedAt = -Infinity;

  constructor(deps: SlotFillerDependencies) {
    this.#deps = deps;
  }

  get free(): number {
    return this.#deps.slots - this.#deps.claims.running.busy;
  }

  /** Starts claims until the slots are full, or nothing may start. */
  fill(): void {
    const { state, claims, isolation, runtime } = this.#deps;
    if (this.#filling || this.#yielding || claims.ready.size === 0 || this.free <= 0) return;
    if (!state.permissions.mayStart) return;
    if (isolation.isolates && !claims.outbox.empty) return; // what came beside the suspect must be back in the store
    const now = runtime.monotonicMs();
    if (!this.#mayStart(now)) return;
    this.#filling = true; // a handler that returns at once leads back here
    try {
      this.#fill(now);
    } finally {
      this.#filling = false;
    }
  }

  #fill(startedAt: number): void {
    const { state, claims, executor, slice } = this.#deps;
    let now = startedAt;
    while (this.free > 0 && state.permissions.mayStart) {
      const held = claims.ready.next();
      if (held === undefined) return;
      const blockedBy = claims.running.find(held.claim.stepId);
      if (blockedBy === undefined) now = executor.run(held, now);
      else this.#block(held, blockedBy);
      if (slice.isOver(now)) return this.#yield();
    }
  }

  /** Asks the self-fence, at most once per {@link GUARD_MS}. */
  #mayStart(now: number): boolean {
    if (this.#deps.isolation.blocked(now)) return false;
    if (now - this.#allowedAt < GUARD_MS) return true;
    if (!this.#deps.mayProceed()) return false;
    this.#allowedAt = now;
    return true;
  }

  #block(held: HeldClaim, by: HeldClaim): void {
    const delayMs = exponentialMs(FIRST_BLOCK_MS, LONGEST_BLOCK_MS, by.blockLater());
    this.#deps.claims.giveBack(held, 'blocked', delayMs);
  }

  #yield(): void {
    const { runtime, slice } = this.#deps;
    this.#yielding = true;
    void runtime.yield().then(() => {
      this.#yielding = false;
      slice.begin(runtime.monotonicMs());
      this.fill();
    });
  }
}
