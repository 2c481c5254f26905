/** All of the events: the emitter, names and payloads. */
export { Events } from './events/emitter.js';
export * from './events/event-types.js';
