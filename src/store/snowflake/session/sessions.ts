/**
 * The three sessions of a pod, so that none waits for another: the exchange, which waits for locks; the heartbeat, which
 * must not be late, and so waits for no answer longer than its interval; and the rest.
 */
import { Session, type SessionParts } from './session.js';

export class Sessions {
  readonly exchange: Session;
  readonly heartbeat: Session;
  readonly rest: Session;

  constructor(parts: SessionParts) {
    this.exchange = new Session(parts);
    this.heartbeat = new Session(parts);
    this.rest = new Session(parts);
  }

  async close(): Promise<void> {
    await Promise.all([this.exchange.close(), this.heartbeat.close(), this.rest.close()]);
  }
}
