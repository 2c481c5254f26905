/**
 * The running pools of this process, whichever queue, and whichever copy of the library, they belong to.
 *
 * They die together, so a suspect has to be alone in its process, not only in its pool.
 *
 * Invariants:
 * - One pool at a time has the turn to empty the process for a suspect. Meanwhile the others claim and start nothing.
 * - A turn ends by itself after as long as its try may last, also where its pool no longer ticks. Only a suspect that runs
 *   has no end but its own.
 * - After a turn the process works on for as long as the turn lasted, unless there is nothing to do.
 * - Nobody is called back: who waits looks again every {@link LOOK_MS}. A pool that has the process for itself pays for none
 *   of this.
 * - What is shared is plain data and functions, so that copies of the package work together. A runtime other than the
 *   system's stands for a process of its own.
 */
import { systemRuntime, type Runtime } from '../../runtime/runtime.js';

/** What the other pools of the process can see of one. */
export interface ProcessPool {
  /** Nothing is held, nothing runs, strays included, and no claim is on its way. */
  readonly quiet: () => boolean;
  /** Strays run. They may never return, so nobody waits for them. */
  readonly hasStrays: () => boolean;
  /** A claim under a token that says "alone" is on its way. */
  readonly claimsAlone: () => boolean;
}

interface Turn {
  readonly of: ProcessPool;
  readonly since: number;
  readonly until: number;
}

interface Pools {
  readonly running: Set<ProcessPool>;
  turn: Turn | undefined;
  /** The last turn, and until when the process works as usual after it. */
  endedAt: number;
  restsUntil: number;
}

/** How often one that waits for the others looks again. */
export const LOOK_MS = 100;
/** After a turn all have the chance to claim for so long, also where nothing is held at its end. */
const CHANCE_MS = 1_000;

const KEY = Symbol.for('fleet-q.pools.1');
const simulated = new WeakMap<Runtime, Pools>();

function poolsOf(runtime: Runtime): Pools {
  if (runtime === systemRuntime) return ((globalThis as { [KEY]?: Pools })[KEY] ??= noPools());
  const pools = simulated.get(runtime) ?? noPools();
  simulated.set(runtime, pools);
  return pools;
}

function noPools(): Pools {
  return { running: new Set(), turn: undefined, endedAt: -Infinity, restsUntil: -Infinity };
}

export class ProcessPools {
  readonly #pools: Pools;
  readonly #self: ProcessPool;
  #leaving = false;

  constructor(runtime: Runtime, self: ProcessPool) {
    this.#pools = poolsOf(runtime);
    this.#self = {
      quiet: () => (this.#leaving ? !self.hasStrays() : self.quiet()),
      hasStrays: () => self.hasStrays(),
      claimsAlone: () => !this.#leaving && self.claimsAlone(),
    };
  }

  /** The pool starts. */
  enter(): void {
    this.#leaving = false;
    this.#pools.running.add(this.#self);
  }

  /** The pool has stopped. It counts until its last stray has returned, see {@link look}. */
  leave(now: number): void {
    this.release(now);
    this.#leaving = true;
    this.look();
  }

  /** Something has ended. */
  look(): void {
    if (this.#leaving && this.#self.quiet()) this.#pools.running.delete(this.#self);
  }

  /** Whether another pool of the process has the turn, or is about to: nothing may be claimed or started. */
  blocked(now: number): boolean {
    const { running } = this.#pools;
    if (running.size < 2) return false;
    if (this.#othersTurn(now)) return true;
    for (const pool of running) if (pool !== this.#self && pool.claimsAlone()) return true;
    return false;
  }

  /** Whether the turn can be had. */
  free(now: number): boolean {
    const { running, turn, endedAt, restsUntil } = this.#pools;
    if (running.size < 2 || turn?.of === this.#self) return true;
    if (this.#othersTurn(now)) return false;
    for (const pool of running) if (pool !== this.#self && pool.hasStrays()) return false;
    return now >= restsUntil || (now >= endedAt + CHANCE_MS && this.#self.quiet() && this.quiet);
  }

  /** Takes the turn, or has it until another time. */
  take(now: number, until: number): void {
    const { turn } = this.#pools;
    const since = turn?.of === this.#self ? turn.since : now;
    this.#pools.turn = { of: this.#self, since, until };
  }

  /** Ends this pool's turn. */
  release(now: number): void {
    const { turn } = this.#pools;
    if (turn?.of !== this.#self) return;
    this.#pools.turn = undefined;
    this.#pools.endedAt = now;
    this.#pools.restsUntil = now + (now - turn.since);
  }

  /** Whether a token may say "alone" for this pool, as far as the others are concerned. */
  get mayClaimAlone(): boolean {
    const { running, turn } = this.#pools;
    return running.size < 2 || (turn?.of === this.#self && this.quiet);
  }

  /** Whether no other pool of the process holds, runs or gets anything. */
  get quiet(): boolean {
    const { running } = this.#pools;
    if (running.size < 2) return true;
    for (const pool of running) if (pool !== this.#self && !pool.quiet()) return false;
    return true;
  }

  /** Whether there are others. */
  get any(): boolean {
    return this.#pools.running.size > 1;
  }

  #othersTurn(now: number): boolean {
    const { turn } = this.#pools;
    return turn !== undefined && turn.of !== this.#self && now < turn.until;
  }
}
