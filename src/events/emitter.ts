/**
 * Emits events to listeners.
 *
 * Invariants:
 * - Each listener is called on its own. If it throws or rejects, the error is logged and affects nothing else.
 * - Each listener gets its own payload. If it changes the payload, no other listener sees the change.
 * - Listeners run in the queue's own async context, whatever caused the event. Brief listeners run in any: to change the
 *   context costs more than all that they do.
 */
import { EventEmitter } from 'eventemitter3';
import type { AnySteps, BriefPayload, EventName, EventPayloads } from './event-types.js';
import { loggedErrorWithStack, type Log } from '../log.js';
import { QueueContext } from '../runtime/async-context.js';
import type { Runtime } from '../runtime/runtime.js';

type Listener = (payload: never) => unknown;

export class Events {
  readonly #emitter = new EventEmitter();
  /** The listener behind each wrapper of `once`. */
  readonly #original = new WeakMap<object, Listener>();
  readonly #brief = new Map<EventName, Set<Listener>>();
  readonly #log: Log;
  readonly #hearEnds = new Set<(stepId: string) => void>();
  /** The number of listeners whose promise has not settled. */
  #unsettled = 0;
  /** The number of calls of `stop()`. */
  #stopCalls = 0;
  #onSettled: (() => void) | undefined;
  readonly #context: QueueContext;

  constructor(log: Log, context = new QueueContext()) {
    this.#log = log;
    this.#context = context;
  }

  /** Called by `stop()`. If a listener called `stop()`, `settled` does not wait for that listener. */
  doNotAwaitCaller(): void {
    this.#stopCalls++;
  }

  /**
   * Resolves when every promise that a listener returned has settled, or after `atMostMs`. One wait at a time.
   *
   * @returns the number of listeners that have not settled
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

  /** Whether the event has a listener. If not, the payload of a frequent event need not be made. */
  has(name: EventName): boolean {
    return this.#emitter.listenerCount(name) > 0 || this.#brief.has(name);
  }

  /** Emits an event whose payload is flat: each listener gets a copy. */
  emit<E extends EventName>(name: E, payload: EventPayloads<AnySteps>[E]): void {
    const copy = (): object => ({ ...payload });
    this.#emit(name, copy, copy);
  }

  /**
   * Emits an event whose payload holds objects.
   *
   * @param make makes a new payload for each listener
   * @param makeBrief makes one for the brief listeners: without args, metadata, result and step
   */
  emitLazily<E extends EventName>(
    name: E,
    make: () => EventPayloads<AnySteps>[E],
    makeBrief: () => BriefPayload<E>,
  ): void {
    this.#emit(name, make, makeBrief);
  }

  #emit(name: EventName, make: () => object, makeBrief: () => object): void {
    const brief = this.#brief.get(name);
    if (brief !== undefined) for (const listener of brief) this.#call(name, listener, makeBrief());
    for (const listener of this.#emitter.listeners(name)) {
      this.#context.run(() => this.#call(name, listener as Listener, make()));
    }
  }

  /** Notifies the waiters that a step has ended in this process. They need no payload. */
  ended(stepId: string): void {
    for (const hear of this.#hearEnds) hear(stepId);
  }

  /** Calls `hear` for each step that ends in this process. @returns a function that removes `hear` */
  onEnded(hear: (stepId: string) => void): () => void {
    this.#hearEnds.add(hear);
    return () => void this.#hearEnds.delete(hear);
  }

  /** Adds a listener. @returns a function that removes it */
  on(name: EventName, listener: Listener): () => void {
    this.#emitter.on(name, listener as (payload: unknown) => unknown);
    return () => this.off(name, listener);
  }

  /** Adds a listener whose payloads are cheap to make. @returns a function that removes it */
  onBrief(name: EventName, listener: Listener): () => void {
    const wrapped: Listener = (payload) => listener(payload); // so that the same listener can be added twice
    this.#brief.set(name, (this.#brief.get(name) ?? new Set()).add(wrapped));
    return () => {
      const all = this.#brief.get(name);
      if (all?.delete(wrapped) === true && all.size === 0) this.#brief.delete(name);
    };
  }

  /** Adds a listener for the next event only. @returns a function that removes it */
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
    const logFailure = (thrown: unknown): void =>
      this.#log.error(
        { event: name, error: loggedErrorWithStack(thrown) },
        'listener failed; the event goes on to the others',
      );
    const stopCalls = this.#stopCalls;
    try {
      const returned: unknown = listener(payload as never);
      if (typeof returned !== 'object' || returned === null) return;
      const counts = this.#stopCalls === stopCalls;
      if (counts) this.#unsettled++;
      // Anything with a `then` counts: a promise may come from another realm.
      void Promise.resolve(returned)
        .catch(logFailure)
        .then(() => {
          if (counts && --this.#unsettled === 0) this.#onSettled?.();
        });
    } catch (error) {
      logFailure(error);
    }
  }
}
