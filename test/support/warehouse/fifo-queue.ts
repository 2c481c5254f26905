/** A limited number of places, given out in the order of requests. */
import { onAbort } from '../../../src/runtime/abort.js';

interface Waiter {
  readonly take: () => void;
}

export class Queue {
  #places: number;
  #taken = 0;
  readonly #waiters: Waiter[] = [];

  constructor(places: number) {
    this.#places = places;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  get taken(): number {
    return this.#taken;
  }

  /** Changes the number of places. Those that are taken stay taken. */
  resize(places: number): void {
    this.#places = places;
    this.#next();
  }

  /** Waits for a place, and gives what gives it back; rejects, without a place, when the signal ends. */
  async acquire(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#taken >= this.#places || this.#waiters.length > 0) await this.#turn(signal);
    else this.#taken++;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#taken--;
      this.#next();
    };
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopListening = onAbort(signal, () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(signal.reason);
      });
      const waiter: Waiter = {
        take: () => {
          stopListening();
          resolve();
        },
      };
      this.#waiters.push(waiter);
    });
  }

  #next(): void {
    while (this.#taken < this.#places) {
      const waiter = this.#waiters.shift();
      if (waiter === undefined) return;
      this.#taken++;
      waiter.take();
    }
  }
}
