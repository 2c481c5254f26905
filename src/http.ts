/**
 * The HTTP API and the probes of a pod, on the fetch standard and for Node.js.
 *
 * @module fleet-q/http
 */
export { createHandler, type Handler } from './http/handler.js';
export { serve, type Server } from './http/serve.js';
export type { Action } from './http/action.js';
export type { HttpOptions, MetricsSource, ServeOptions } from './http/options.js';
