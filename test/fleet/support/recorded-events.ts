/** Records every event that is emitted. */
import { EVENT_NAMES, Events, type AnySteps, type EventName, type EventPayloads } from '../../../src/events.js';
import { createLog } from '../../../src/log.js';

export const log = createLog('test');

export class RecordedEvents {
  readonly events = new Events(log);
  readonly all: { readonly name: EventName; readonly payload: any }[] = [];

  constructor() {
    for (const name of EVENT_NAMES) this.events.on(name, (payload) => this.all.push({ name, payload }));
  }

  /** The payloads of one event, in order. */
  of<E extends EventName>(name: E): EventPayloads<AnySteps>[E][] {
    return this.all.filter((each) => each.name === name).map((each) => each.payload);
  }

  /** The names of all events except those of steps and of single calls, in order. */
  get names(): EventName[] {
    return this.all.map(({ name }) => name).filter((name) => !/^step:|^(heartbeat|exchange):completed/.test(name));
  }

  forget(): void {
    this.all.length = 0;
  }
}
