/**
 * The start/stop contract of everything that runs in the background.
 *
 * Law: `start` resolves when the service is at work and rejects when it cannot be, having cleaned up after itself.
 * `stop` is idempotent, safe before `start` and during it, never rejects, and when it resolves no timer, handle or
 * pending call of the service is left.
 */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}
