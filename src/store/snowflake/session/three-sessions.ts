/**
 * The three sessions of a pod, so that none waits for another: the exchange, which waits for locks; the heartbeat, which must
 * be on time; and the rest.
 */
import { Session, type SessionDependencies } from './session.js';

/** An answer to a heartbeat may take this long, however short the interval is: logins are slow. */
const SHORTEST_HEARTBEAT_DEADLINE_MS = 5_000;

export class Sessions {
  readonly exchange: Session;
  readonly heartbeat: Session;
  readonly rest: Session;

  constructor(dependencies: SessionDependencies) {
    this.exchange = new Session(dependencies);
    this.heartbeat = new Session(dependencies);
    this.rest = new Session(dependencies);
  }

  /**
   * Fits the deadlines to the pod's heartbeat: an answer that comes after the next heartbeat is useless, and a session must be
   * back in time for one.
   */
  fitToHeartbeat(heartbeatMs: number): void {
    this.heartbeat.shortenDeadline(Math.max(SHORTEST_HEARTBEAT_DEADLINE_MS, heartbeatMs));
    for (const session of [this.exchange, this.heartbeat, this.rest]) session.pauseAtMost(heartbeatMs / 2);
  }

  async close(): Promise<void> {
    await Promise.all([this.exchange.close(), this.heartbeat.close(), this.rest.close()]);
  }
}
