/**
 * The HTTP API and the probes of a pod, on the fetch standard and for Node.js.
 *
 * @module fleet-q/http
 */
export {};
