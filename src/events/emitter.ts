/**
 * Sends events to listeners.
 *
 * Invariants:
 * - Each listener is called on its own: what it throws or rejects with goes to the log and affects nothing else.
 * - Each listener gets a payload of its own: what it does to that is seen by nobody.
 * - Listeners run in the queue's own async context, whatever caused the event.
 */
import { EventEmitter } from 'eventemitter3';
import { asError } from '../errors.js';
import type { AnySteps, EventName, EventPayloads } from './payloads.js';
import type { Log } from '../log.js';
import { QueueContext } from '../runtime/async-context.js';
import type { Runtime } from '../runtime/runtime.js';

type Listener = (payload: never) => unknown;

/** Sends events to listeners, each on its own. */
export class Events {
  readonly #emitter = new EventEmitter();
  /** What stands for a listener that is called once. */
  readonly #original = new WeakMap<object, Listener>();
  readonly #log: Log;
  readonly #hearEnds = new Set<(stepId: string) => void>();
  /** Listeners whose promise has not settled. */
  #unsettled = 0;
  #excused = 0;
  #onSettled: (() => void) | undefined;
  readonly #context: QueueContext;

  constructor(log: Log, context = new QueueContext()) {
    this.#log = log;
    this.#context = context;
  }

  /** `stop()` waits for listeners, so it does not wait for one that calls it. Called by `stop()`, perhaps from a listener. */
  excuse(): void {
    this.#excused++;
  }

  /**
   * Resolves when every promise that a listener returned has settled, or after `atMostMs`. One wait at a time.
   *
   * @returns how many listeners are still at work
   */
  async settled(runtime: Runtime, atMostMs: number): Promise<number> {
    if (this.#unsettled > 0) {
      await new Promise<void>((resolve) => {
        const timer = runtime.after(atMostMs, resolve);
        this.#onSettled = () => {
          timer.cancel();
          resolve();
        };
      });
      this.#onSettled = undefined;
    }
    return this.#unsettled;
  }

  /** Whether anybody listens: payloads of hot events are made only then. */
  has(name: EventName): boolean {
    return this.#emitter.listenerCount(name) > 0;
  }

  /** Emits an event whose payload is flat: each listener gets a copy. */
  emit<E extends EventName>(name: E, payload: EventPayloads<AnySteps>[E]): void {
    this.emitLazily(name, () => ({ ...payload }));
  }

  /** Emits an event whose payload holds objects. @param make makes it anew for each listener */
  emitLazily<E extends EventName>(name: E, make: () => EventPayloads<AnySteps>[E]): void {
    for (const listener of this.#emitter.listeners(name)) {
      this.#context.run(() => this.#call(name, listener as Listener, make()));
    }
  }

  /** A step has ended in this process: for the waiters, which need no payload. */
  ended(stepId: string): void {
    for (const hear of this.#hearEnds) hear(stepId);
  }

  /** Calls back with each step that ends in this process; returns what ends it. */
  onEnded(hear: (stepId: string) => void): () => void {
    this.#hearEnds.add(hear);
    return () => void this.#hearEnds.delete(hear);
  }

  /** Adds a listener; returns what removes it. */
  on(name: EventName, listener: Listener): () => void {
    this.#emitter.on(name, listener as (payload: unknown) => unknown);
    return () => this.off(name, listener);
  }

  /** Adds a listener for one time; returns what removes it. */
  once(name: EventName, listener: Listener): () => void {
    const remove = this.on(name, once);
    function once(payload: never): unknown {
      remove();
      return listener(payload);
    }
    this.#original.set(once, listener);
    return remove;
  }

  off(name: EventName, listener: Listener): void {
    for (const each of this.#emitter.listeners(name)) {
      if (each === listener || this.#original.get(each) === listener) this.#emitter.off(name, each);
    }
  }

  #call(name: EventName, listener: Listener, payload: unknown): void {
    const complain = (thrown: unknown): void =>
      this.#log.error({ event: name, error: asError(thrown).message }, 'a listener failed');
    const excused = this.#excused;
    try {
      const returned: unknown = listener(payload as never);
      if (typeof returned !== 'object' || returned === null) return;
      const counts = this.#excused === excused;
      if (counts) this.#unsettled++;
      // Whatever has a `then` counts, and a promise need not be of our own realm.
      void Promise.resolve(returned)
        .catch(complain)
        .then(() => {
          if (counts && --this.#unsettled === 0) this.#onSettled?.();
        });
    } catch (error) {
      complain(error);
    }
  }
}
