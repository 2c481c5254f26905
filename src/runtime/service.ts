/**
 * How everything that runs in the background is started and stopped.
 *
 * Invariants:
 * - `start` resolves when the service works. If it cannot, `start` cleans up and rejects.
 * - `stop` is idempotent, may be called before and during `start`, and never rejects. When it resolves, no timer, handle or
 *   open call of the service is left.
 */
export interface Service {
  start(): Promise<void>;
  stop(): Promise<void>;
}
