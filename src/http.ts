/**
 * The HTTP API and the probes of a pod, on the fetch standard and for Node.js.
 *
 * @module fleet-q/http
 */
export { createHandler, type Handler } from './http/handler.js';
export { serve, type Server } from './http/serve.js';
export { ACTIONS, type Action } from './http/action.js';
export type { HttpOptions, MetricsSource, ServeOptions } from './http/options.js';
export { toNodeHandler, type NodeHandler } from './http/node-handler.js';
export type { Auth, Authenticate, Principal } from './http/guard/authentication.js';
export type { Hidden, Redact } from './http/guard/redact.js';
export type { ServerLimits } from './http/guard/server-limits.js';
