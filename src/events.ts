/** All of the events: the emitter, names and payloads. */
export { Events } from './events/emitter.js';
export { EVENT_LINES, logEvent, type EventLine } from './events/event-lines.js';
export * from './events/event-types.js';
