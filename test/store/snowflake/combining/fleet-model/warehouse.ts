/**
 * A warehouse that runs a few statements at a time, and a table whose UPDATEs run one at a time.
 *
 * A statement goes to the warehouse, waits for a slot, runs, and comes back. An UPDATE keeps its slot while it waits for the
 * lock. Twenty may wait for a lock; one more is refused.
 */
import type { ModelClock } from './model-clock.js';

export interface Latencies {
  readonly clientMs: number;
  readonly selectMs: number;
  readonly insertMs: number;
  readonly updateMs: number;
  /** Each row of an UPDATE takes this long besides. */
  readonly rowMs: number;
  /** How long an INSERT holds the lock of its table when it commits. */
  readonly insertLockMs: number;
  readonly slots: number;
}

export const X_SMALL: Latencies = {
  ...{ clientMs: 300, selectMs: 60, insertMs: 350, updateMs: 300, rowMs: 0.02, insertLockMs: 0, slots: 8 },
};

const MOST_WAITERS = 20;

/** Something that a few may have at a time; the others wait in line. */
class Places {
  readonly #line: (() => void)[] = [];
  #free: number;
  mostWaiting = 0;
  refused = 0;

  constructor(
    places: number,
    private readonly mostWaiters = Infinity,
  ) {
    this.#free = places;
  }

  /** @returns false if too many wait */
  async take(): Promise<boolean> {
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    if (this.#line.length >= this.mostWaiters) {
      this.refused++;
      return false;
    }
    return new Promise((resolve) => {
      this.mostWaiting = Math.max(
        this.mostWaiting,
        this.#line.push(() => resolve(true)),
      );
    });
  }

  leave(): void {
    const next = this.#line.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

export interface Write {
  readonly rows: number;
  readonly commit: () => void;
}

export class Warehouse {
  readonly #clock: ModelClock;
  readonly #latencies: Latencies;
  readonly #slots: Places;
  /** The lock of the table of steps, and that of the log's INSERTs. */
  readonly lock = new Places(1, MOST_WAITERS);
  readonly logLock = new Places(1, MOST_WAITERS);
  readonly sent = { select: 0, insert: 0, update: 0 };

  constructor(clock: ModelClock, latencies: Latencies) {
    this.#clock = clock;
    this.#latencies = latencies;
    this.#slots = new Places(latencies.slots);
  }

  /** A statement that needs no warehouse. */
  answer(): Promise<void> {
    return this.#clock.wait(this.#latencies.clientMs);
  }

  async select<T>(read: () => T): Promise<T> {
    this.sent.select++;
    const { clientMs, selectMs } = this.#latencies;
    await this.#clock.wait(clientMs / 2);
    await this.#slots.take();
    const seen = read();
    await this.#clock.wait(selectMs);
    this.#slots.leave();
    await this.#clock.wait(clientMs / 2);
    return seen;
  }

  /** Waits for the log's lock without a slot. @returns false if it was refused */
  async insert(commit: () => void): Promise<boolean> {
    this.sent.insert++;
    const { clientMs, insertMs, insertLockMs } = this.#latencies;
    await this.#clock.wait(clientMs / 2);
    await this.#slots.take();
    await this.#clock.wait(insertMs);
    this.#slots.leave();
    const isTaken = insertLockMs === 0 || (await this.logLock.take());
    if (insertLockMs > 0 && isTaken) {
      await this.#clock.wait(insertLockMs);
      this.logLock.leave();
    }
    if (isTaken) commit();
    await this.#clock.wait(clientMs / 2);
    return isTaken;
  }

  /** @param read what the UPDATE works on, read when it has the lock @returns false if it was refused */
  async update(read: () => Write): Promise<boolean> {
    this.sent.update++;
    const { clientMs, updateMs, rowMs } = this.#latencies;
    await this.#clock.wait(clientMs / 2);
    await this.#slots.take();
    const isTaken = await this.lock.take();
    if (isTaken) {
      const { rows, commit } = read();
      await this.#clock.wait(updateMs + rowMs * rows);
      commit();
      this.lock.leave();
    }
    this.#slots.leave();
    await this.#clock.wait(clientMs / 2);
    return isTaken;
  }
}
