/**
 * The events of all processes of a test fleet, as one queue would emit them.
 *
 * Invariants:
 * - A listener hears of every pod, also of those that start later. Nothing is heard of a process that has died.
 * - Instants of a pod whose clocks lag behind, because idle time was skipped, are corrected.
 */
import { checkListener, type EventName } from '../events.js';
import type { AnyFleetQ } from '../queue-interface.js';
import type { Step } from '../step/step.js';

/** A process that emits. */
export interface Emitting {
  readonly queue: Pick<AnyFleetQ, 'on' | 'onBrief'>;
  readonly isDead: boolean;
  /** By how much its wall clock lags behind. */
  readonly skippedMs: number;
}

/** The instants and durations in payloads. */
interface Timed {
  readonly step?: Step;
  readonly startedAt?: number;
  readonly durationMs?: number;
  readonly stepId?: string;
}

type Listener = (payload: never) => unknown;

interface Heard {
  readonly event: EventName;
  readonly listener: Listener;
  readonly brief: boolean;
  readonly once: boolean;
  readonly removers: (() => void)[];
}

export class FleetEvents {
  readonly #skippedDuring: (stepId: string) => number;
  readonly #emitting: Emitting[] = [];
  readonly #heard = new Set<Heard>();

  /** @param skippedDuring how much time was skipped while a step ran, in ms */
  constructor(skippedDuring: (stepId: string) => number) {
    this.#skippedDuring = skippedDuring;
  }

  /** Listens to another process. */
  add(source: Emitting): void {
    this.#emitting.push(source);
    for (const heard of this.#heard) this.#attach(heard, source);
  }

  /** The process has died, or has stopped. */
  remove(source: Emitting): void {
    const at = this.#emitting.indexOf(source);
    if (at >= 0) this.#emitting.splice(at, 1);
  }

  /** @throws ValidationError `OPTION_INVALID` */
  on(event: EventName, listener: Listener, { brief = false, once = false } = {}): () => void {
    checkListener(event, listener);
    const heard: Heard = { event, listener, brief, once, removers: [] };
    this.#heard.add(heard);
    for (const source of this.#emitting) this.#attach(heard, source);
    return () => this.#remove(heard);
  }

  off(event: EventName, listener: Listener): void {
    for (const heard of [...this.#heard])
      if (heard.event === event && heard.listener === listener && !heard.brief) this.#remove(heard);
  }

  #remove(heard: Heard): void {
    this.#heard.delete(heard);
    for (const remove of heard.removers.splice(0)) remove();
  }

  #attach(heard: Heard, source: Emitting): void {
    const { event, listener, brief, once, removers } = heard;
    const deliver = (payload: object): unknown => {
      if (source.isDead || !this.#heard.has(heard)) return undefined;
      if (once) this.#remove(heard);
      return listener(this.#corrected(payload, source.skippedMs) as never);
    };
    removers.push(brief ? source.queue.onBrief(event, deliver) : source.queue.on(event, deliver));
  }

  #corrected(payload: object, byMs: number): object {
    if (byMs === 0) return payload;
    const { step, startedAt, durationMs, stepId } = payload as Timed;
    return {
      ...payload,
      ...(step && { step: { ...step, updatedAt: step.updatedAt + byMs } }),
      ...(startedAt !== undefined && { startedAt: startedAt + byMs }),
      ...(stepId !== undefined && durationMs !== undefined && { durationMs: durationMs + this.#skippedDuring(stepId) }),
    };
  }
}
