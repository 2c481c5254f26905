/** A timer of a virtual machine. */
import { AsyncResource } from 'node:async_hooks';
import type { Timer } from './runtime.js';
import { OUTSIDE, type HeapTimer } from './timer-heap.js';

interface Due {
  /** By the machine's monotonic clock. */
  readonly dueAt: number;
  /** By the world's time, as long as the machine's clock does not stand still. */
  readonly at: number;
  readonly order: number;
}

/**
 * It keeps the async context in which it was set, as Node's timers do: it is the one resource that this needs.
 *
 * @typeParam M the machine
 */
export class VirtualTimer<M> extends AsyncResource implements Timer, HeapTimer {
  slot = OUTSIDE;
  readonly machine: M;
  /** By its machine's monotonic clock. */
  readonly dueAt: number;
  readonly order: number;
  /** By the world's time, if its machine's clock has not stood still since: never too late. */
  at: number;
  readonly #callback: () => void;
  readonly #onCancel: (timer: VirtualTimer<M>) => void;

  constructor(machine: M, { dueAt, at, order }: Due, callback: () => void, onCancel: (timer: VirtualTimer<M>) => void) {
    super('VirtualTimer');
    this.machine = machine;
    this.dueAt = dueAt;
    this.at = at;
    this.order = order;
    this.#callback = callback;
    this.#onCancel = onCancel;
  }

  cancel(): void {
    this.#onCancel(this);
  }

  fire(): void {
    this.runInAsyncScope(this.#callback);
  }
}
