/** The warehouse's statement slots: a limited number of statements run at once, and the rest queue. */
import { Queue } from './fifo-queue.js';

export interface SlotOptions {
  /** Snowflake's MAX_CONCURRENCY_LEVEL. */
  readonly count: number;
  /** Whether a statement that waits for a lock keeps its slot meanwhile. Snowflake does not document it. */
  readonly heldWhileLocked: boolean;
}

/** What has happened at the slots since the start, or the last `reset`. */
export interface SlotCounts {
  /** The most that were taken at a time. */
  readonly mostBusy: number;
  /** The most statements that waited for one at a time. */
  readonly mostWaiting: number;
}

const NONE: SlotCounts = { mostBusy: 0, mostWaiting: 0 };

export class Slots {
  readonly #queue: Queue;
  #options: SlotOptions;
  #counts = NONE;

  constructor(options: SlotOptions) {
    this.#queue = new Queue(options.count);
    this.#options = options;
  }

  get heldWhileLocked(): boolean {
    return this.#options.heldWhileLocked;
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  get busy(): number {
    return this.#queue.taken;
  }

  configure(options: Partial<SlotOptions>): void {
    this.#options = { ...this.#options, ...options };
    this.#queue.resize(this.#options.count);
  }

  get counts(): SlotCounts {
    return this.#counts;
  }

  reset(): void {
    this.#counts = NONE;
  }

  async acquire(signal: AbortSignal): Promise<() => void> {
    const place = this.#queue.acquire(signal);
    this.#count();
    const leave = await place;
    this.#count(); // one that has waited may have got a place that `resize` has added
    return leave;
  }

  #count(): void {
    const { mostBusy, mostWaiting } = this.#counts;
    this.#counts = { mostBusy: Math.max(mostBusy, this.busy), mostWaiting: Math.max(mostWaiting, this.waiting) };
  }
}
