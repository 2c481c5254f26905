/**
 * The claims that are held unstarted, in the order in which they should start: as the store orders them, priority
 * descending, then due time, then as they came, for the store gives equals in the order of submission.
 *
 * Invariants: a type at its limit never holds up the others. So each limited type has a lane of its own, and the next to start
 * is the first among the heads of those lanes that have room.
 */
import type { TypeHandler } from '../handlers/handlers.js';
import type { Hold } from './held-claim.js';

export class Buffer {
  readonly #open = new Lane();
  readonly #limited = new Map<TypeHandler, Lane>();
  #size = 0;
  #turn = 0;

  get size(): number {
    return this.#size;
  }

  /** How many could start if there were slots for all. */
  get startable(): number {
    let count = this.#open.size;
    for (const [handler, lane] of this.#limited) count += Math.min(lane.size, handler.room);
    return count;
  }

  add(hold: Hold): void {
    hold.turn = ++this.#turn;
    this.#lane(hold.handler).add(hold);
    hold.handler.unstarted++;
    this.#size++;
  }

  /** Takes out the next that may start. */
  next(): Hold | undefined {
    if (this.#size === 0) return undefined;
    let best = this.#open;
    for (const [handler, lane] of this.#limited) {
      if (lane.size > 0 && handler.room > 0 && (best.size === 0 || before(lane.head, best.head))) best = lane;
    }
    const hold = best.shift();
    return hold === undefined ? undefined : this.#left(hold);
  }

  find(stepId: string): Hold | undefined {
    return this.all().find(({ claim }) => claim.stepId === stepId);
  }

  /** Takes out those that `unwanted` says. */
  take(unwanted: (hold: Hold) => boolean): Hold[] {
    const taken = this.#lanes().flatMap((lane) => lane.take(unwanted));
    for (const hold of taken) this.#left(hold);
    return taken;
  }

  all(): Hold[] {
    return this.#lanes().flatMap((lane) => lane.all());
  }

  #lanes(): Lane[] {
    return [this.#open, ...this.#limited.values()];
  }

  #left(hold: Hold): Hold {
    hold.handler.unstarted--;
    this.#size--;
    return hold;
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

/** A sorted queue. What comes in order, as from one exchange, is appended; the rest finds its place. */
class Lane {
  #holds: Hold[] = [];
  #first = 0;

  get size(): number {
    return this.#holds.length - this.#first;
  }

  get head(): Hold | undefined {
    return this.#holds[this.#first];
  }

  add(hold: Hold): void {
    if (this.size === 0 || !before(hold, this.#holds[this.#holds.length - 1])) {
      this.#holds.push(hold);
      return;
    }
    let low = this.#first;
    let high = this.#holds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (before(hold, this.#holds[middle])) high = middle;
      else low = middle + 1;
    }
    this.#holds.splice(low, 0, hold);
  }

  shift(): Hold | undefined {
    const hold = this.head;
    if (hold !== undefined && ++this.#first >= 64 && this.#first * 2 >= this.#holds.length) {
      this.#holds = this.#holds.slice(this.#first); // what has started is let go, at a cost of O(1) each
      this.#first = 0;
    }
    return hold;
  }

  take(unwanted: (hold: Hold) => boolean): Hold[] {
    const [taken, kept]: [Hold[], Hold[]] = [[], []];
    for (const hold of this.all()) (unwanted(hold) ? taken : kept).push(hold);
    if (taken.length > 0) {
      this.#holds = kept;
      this.#first = 0;
    }
    return taken;
  }

  all(): Hold[] {
    return this.#holds.slice(this.#first);
  }
}

function before(one: Hold | undefined, other: Hold | undefined): boolean {
  if (one === undefined || other === undefined) return one !== undefined;
  const a = one.claim;
  const b = other.claim;
  if (a.priority !== b.priority) return a.priority > b.priority;
  if (a.runAt !== b.runAt) return a.runAt < b.runAt;
  return one.turn < other.turn;
}
