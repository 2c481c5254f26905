/** Records every event that a queue emits. */
import type { AnyFleetQ } from 'fleet-q';
import { EVENT_NAMES, type AnySteps, type EventName, type EventPayloads } from '../../../src/events.js';

export class RecordedEvents {
  readonly #all: { readonly name: EventName; readonly payload: any }[] = [];

  constructor(queue: Pick<AnyFleetQ, 'on'>) {
    for (const name of EVENT_NAMES) queue.on(name, (payload: unknown) => void this.#all.push({ name, payload }));
  }

  /** The payloads of one event, in order. */
  of<E extends EventName>(name: E): EventPayloads<AnySteps>[E][] {
    return this.#all.filter((each) => each.name === name).map((each) => each.payload);
  }
}
