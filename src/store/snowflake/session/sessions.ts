/**
 * The three sessions of a pod, so that none waits for another: the exchange, which waits for locks; the heartbeat, which
 * must not be late, and so waits for no answer longer than its interval; and the rest.
 */
import { Session, type SessionParts } from './session.js';

/** An answer to a heartbeat may take this long, however short the interval: logins are slow. */
const LEAST_HEARTBEAT_MS = 5_000;

export class Sessions {
  readonly exchange: Session;
  readonly heartbeat: Session;
  readonly rest: Session;

  constructor(parts: SessionParts) {
    this.exchange = new Session(parts);
    this.heartbeat = new Session(parts);
    this.rest = new Session(parts);
  }

  /** Keeps to the rhythm of the pod: what is late for a heartbeat is of no use, and a session must be back in time for one. */
  keepTime(heartbeatMs: number): void {
    this.heartbeat.hurry(Math.max(LEAST_HEARTBEAT_MS, heartbeatMs));
    for (const session of [this.exchange, this.heartbeat, this.rest]) session.pauseAtMost(heartbeatMs / 2);
  }

  async close(): Promise<void> {
    await Promise.all([this.exchange.close(), this.heartbeat.close(), this.rest.close()]);
  }
}
