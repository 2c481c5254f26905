/** Events under one address: what they carry, and what sends them. */
export { Events } from './events/emitter.js';
export * from './events/payloads.js';
