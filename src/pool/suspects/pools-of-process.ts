/**
 * The running pools of this process, of all queues and of all copies of the library.
 *
 * They die together, so a suspect must be alone in its process, not only in its pool.
 *
 * Invariants:
 * - One pool at a time has the turn to empty the process for a suspect. Meanwhile the others claim and start nothing.
 * - A turn ends by itself when its try must end, even if its pool no longer ticks. Only a running suspect has no limit.
 * - After a turn the process works as usual for as long as the turn lasted, unless there is nothing to do.
 * - Nobody is called back: a pool that waits checks again every {@link POLL_MS}. A pool that is alone in its process skips all
 *   of this.
 * - The pools share plain data and functions, so that copies of the package work together. A runtime other than the
 *   system's stands for a process of its own.
 */
import { systemRuntime, type Runtime } from '../../runtime/runtime.js';

/** The part of a pool that the other pools of the process can see. */
export interface ProcessPool {
  /** Nothing is held, nothing runs, strays included, and no claim is in flight. */
  readonly quiet: () => boolean;
  /** Strays run. They may never return, so no pool waits for them. */
  readonly hasStrays: () => boolean;
  /** A claim under a token that says "alone" is in flight. */
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

/** How often a pool that waits for the others checks again, in ms. */
export const POLL_MS = 100;
/** After a turn every pool gets this time to claim, in ms, even if nothing is held when the turn ends. */
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

export class PoolsOfProcess {
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

  /** The pool has stopped. It counts until its last stray has returned, see {@link removeIfQuiet}. */
  leave(now: number): void {
    this.releaseTurn(now);
    this.#leaving = true;
    this.removeIfQuiet();
  }

  /** Something has ended: if this pool has left and is quiet, it no longer counts. */
  removeIfQuiet(): void {
    if (this.#leaving && this.#self.quiet()) this.#pools.running.delete(this.#self);
  }

  /** Whether another pool has the turn, or is about to take it: nothing may be claimed or started. */
  blocked(now: number): boolean {
    const { running } = this.#pools;
    if (running.size < 2) return false;
    if (this.#othersTurn(now)) return true;
    for (const pool of running) if (pool !== this.#self && pool.claimsAlone()) return true;
    return false;
  }

  /** Whether this pool may take the turn. */
  mayTakeTurn(now: number): boolean {
    const { running, turn, endedAt, restsUntil } = this.#pools;
    if (running.size < 2 || turn?.of === this.#self) return true;
    if (this.#othersTurn(now)) return false;
    for (const pool of running) if (pool !== this.#self && pool.hasStrays()) return false;
    return now >= restsUntil || (now >= endedAt + CHANCE_MS && this.#self.quiet() && this.quiet);
  }

  /** Takes the turn until the given time, or extends it. */
  takeTurn(now: number, until: number): void {
    const { turn } = this.#pools;
    const since = turn?.of === this.#self ? turn.since : now;
    this.#pools.turn = { of: this.#self, since, until };
  }

  /** Ends this pool's turn. */
  releaseTurn(now: number): void {
    const { turn } = this.#pools;
    if (turn?.of !== this.#self) return;
    this.#pools.turn = undefined;
    this.#pools.endedAt = now;
    this.#pools.restsUntil = now + (now - turn.since);
  }

  /** Whether the other pools allow a token that says "alone". */
  get mayClaimAlone(): boolean {
    const { running, turn } = this.#pools;
    return running.size < 2 || (turn?.of === this.#self && this.quiet);
  }

  /** Whether no other pool of the process holds, runs or claims anything. */
  get quiet(): boolean {
    const { running } = this.#pools;
    if (running.size < 2) return true;
    for (const pool of running) if (pool !== this.#self && !pool.quiet()) return false;
    return true;
  }

  /** Whether there are other pools. */
  get any(): boolean {
    return this.#pools.running.size > 1;
  }

  #othersTurn(now: number): boolean {
    const { turn } = this.#pools;
    return turn !== undefined && turn.of !== this.#self && now < turn.until;
  }
}
