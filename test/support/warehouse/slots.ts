/** The warehouse's statement slots: a limited number of statements run at once, and the rest queue. */
import { Queue } from './fifo-queue.js';

export interface SlotOptions {
  /** Snowflake's MAX_CONCURRENCY_LEVEL. */
  readonly count: number;
  /** Whether a statement that waits for a lock keeps its slot meanwhile. Snowflake does not document it. */
  readonly heldWhileLocked: boolean;
}

export class Slots {
  readonly #queue: Queue;
  #options: SlotOptions;

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

  acquire(signal: AbortSignal): Promise<() => void> {
    return this.#queue.acquire(signal);
  }
}
