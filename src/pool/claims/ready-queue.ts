/**
 * The claims that are held unstarted, in the order in which they should start.
 *
 * Invariants:
 * - The order is the store's: priority descending, then due time, then arrival. The store gives equals in the order of
 *   submission.
 * - A type at its limit never holds up the others. Each limited type has a lane of its own, and the next claim to start is the
 *   first among the heads of the lanes that have room.
 */
import type { TypeHandler } from '../handlers/type-handler.js';
import type { HeldClaim } from './held-claim.js';

export class ReadyQueue {
  readonly #open = new Lane();
  readonly #limited = new Map<TypeHandler, Lane>();
  #size = 0;
  #arrivals = 0;

  get size(): number {
    return this.#size;
  }

  /** How many could start if every one of them had a slot. */
  get startable(): number {
    let count = this.#open.size;
    for (const [handler, lane] of this.#limited) count += Math.min(lane.size, handler.room);
    return count;
  }

  add(held: HeldClaim): void {
    held.queued(++this.#arrivals);
    this.#lane(held.handler).add(held);
    held.handler.claimQueued();
    this.#size++;
  }

  /** Takes out the next claim that may start. */
  next(): HeldClaim | undefined {
    if (this.#size === 0) return undefined;
    let best = this.#open;
    for (const [handler, lane] of this.#limited) {
      if (lane.size > 0 && handler.room > 0 && (best.size === 0 || before(lane.head, best.head))) best = lane;
    }
    const held = best.shift();
    return held === undefined ? undefined : this.#left(held);
  }

  /** Takes out the claims that `unwanted` selects. */
  take(unwanted: (held: HeldClaim) => boolean): HeldClaim[] {
    const taken = this.#lanes().flatMap((lane) => lane.take(unwanted));
    for (const held of taken) this.#left(held);
    return taken;
  }

  all(): HeldClaim[] {
    return this.#lanes().flatMap((lane) => lane.all());
  }

  #lanes(): Lane[] {
    return [this.#open, ...this.#limited.values()];
  }

  #left(held: HeldClaim): HeldClaim {
    held.handler.claimDequeued();
    this.#size--;
    return held;
  }

  #lane(handler: TypeHandler): Lane {
    if (handler.limit === undefined) return this.#open;
    let lane = this.#limited.get(handler);
    if (lane === undefined) {
      lane = new Lane();
      this.#limited.set(handler, lane);
    }
    return lane;
  }
}

/** A sorted queue. Claims that come in order, as from one exchange, are appended; others are inserted. */
class Lane {
  #claims: HeldClaim[] = [];
  #first = 0;

  get size(): number {
    return this.#claims.length - this.#first;
  }

  get head(): HeldClaim | undefined {
    return this.#claims[this.#first];
  }

  add(held: HeldClaim): void {
    if (this.size === 0 || !before(held, this.#claims[this.#claims.length - 1])) {
      this.#claims.push(held);
      return;
    }
    let low = this.#first;
    let high = this.#claims.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(held, this.#claims[middle])) high = middle;
      else low = middle + 1;
    }
    this.#claims.splice(low, 0, held);
  }

  shift(): HeldClaim | undefined {
    const held = this.head;
    if (held !== undefined && ++this.#first >= 64 && this.#first * 2 >= this.#claims.length) {
      this.#claims = this.#claims.slice(this.#first); // frees what has started, at a cost of O(1) each
      this.#first = 0;
    }
    return held;
  }

  take(unwanted: (held: HeldClaim) => boolean): HeldClaim[] {
    const [taken, kept]: [HeldClaim[], HeldClaim[]] = [[], []];
    for (const held of this.all()) (unwanted(held) ? taken : kept).push(held);
    if (taken.length > 0) {
      this.#claims = kept;
      this.#first = 0;
    }
    return taken;
  }

  all(): HeldClaim[] {
    return this.#claims.slice(this.#first);
  }
}

function before(one: HeldClaim | undefined, other: HeldClaim | undefined): boolean {
  if (one === undefined || other === undefined) return one !== undefined;
  const a = one.claim;
  const b = other.claim;
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.runAt !== b.runAt) return a.runAt < b.runAt;
  return one.arrival < other.arrival;
}
