/**
 * What this pod has measured of its own statements, as far as the pace of its exchanges depends on it.
 *
 * Invariants:
 * - Every time is what the client saw, in ms. What a statement takes in the warehouse is that less `clientMs`, which is the
 *   time of statements that need no warehouse.
 * - The time of an UPDATE contains its wait for the table's lock. So patience grows with the crowd.
 * - The slowest time of late shows how long statements wait for a slot. A pod of a large fleet sends few UPDATEs, and learns it from
 *   its looks and INSERTs.
 * - The slot time of an exchange is the least of the last few. Whatever a longer one took more was a wait for a slot, and a fleet that
 *   took its own crowd for slow statements would slow down for minutes after each crowd.
 */
import { ASSUMED_SLOT_MS } from './pace.js';

/** One public measurement of an X-Small warehouse: about 300 ms of a statement are the client's and the network's. */
const CLIENT_MS = 300;
/** The same measurement: an UPDATE of one row takes 660 ms. */
const UPDATE_MS = 660;
/** The slot time of a SELECT, until one was measured and at most: twice what the fleet model assumes. */
const SELECT_SLOT_MS = { first: 60, least: 20, most: 120 };
const REMEMBERED = 5;
const NEWEST_WEIGHT = 0.3;
/** What is left of the slowest time after each further statement. */
const FADING = 0.9;

export class Measurements {
  readonly #free: number[] = [];
  readonly #selects: number[] = [];
  /** The first ones fall into the crowd of a fleet that starts. So the assumed time is among them. */
  readonly #exchanges: number[] = [ASSUMED_SLOT_MS];
  #updateMs = UPDATE_MS;
  #slowestMs = 0;

  /** A statement that needs no warehouse took this long. */
  answered(tookMs: number): void {
    remember(this.#free, tookMs);
  }

  selected(tookMs: number): void {
    remember(this.#selects, this.inWarehouse(tookMs));
  }

  updated(tookMs: number): void {
    this.#updateMs += NEWEST_WEIGHT * (tookMs - this.#updateMs);
  }

  /** The INSERT and the looks of an exchange through the log took this long in the warehouse, all together. */
  exchanged(slotMs: number): void {
    remember(this.#exchanges, slotMs);
  }

  /** An INSERT or a look took this long. @returns what of it the warehouse took */
  ran(tookMs: number): number {
    const inWarehouseMs = this.inWarehouse(tookMs);
    this.#slowestMs = Math.max(inWarehouseMs, FADING * this.#slowestMs);
    return inWarehouseMs;
  }

  /** What of a statement's time the warehouse took. */
  inWarehouse(tookMs: number): number {
    return Math.max(0, tookMs - this.clientMs);
  }

  /** The client's own time of a statement. */
  get clientMs(): number {
    return median(this.#free) ?? CLIENT_MS;
  }

  /** How long an UPDATE of this pod takes, with its wait for the lock. */
  get updateMs(): number {
    return this.#updateMs;
  }

  /** How long the slowest INSERT or look of late was in the warehouse, with its wait for a slot. */
  get slowestMs(): number {
    return this.#slowestMs;
  }

  /** How long a SELECT holds a slot of the warehouse. */
  get selectSlotMs(): number {
    const { first, least, most } = SELECT_SLOT_MS;
    return Math.min(most, Math.max(least, median(this.#selects) ?? first));
  }

  /** What an exchange through the log takes in the warehouse, without waits for a slot. */
  get exchangeSlotMs(): number {
    return Math.min(...this.#exchanges);
  }
}

function remember(list: number[], value: number): void {
  if (list.push(value) > REMEMBERED) list.shift();
}

function median(list: readonly number[]): number | undefined {
  const sorted = list.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}
