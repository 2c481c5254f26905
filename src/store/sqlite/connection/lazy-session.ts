/**
 * Opens a store's session with the first call that needs it.
 *
 * Invariants: all calls that come while it opens share the attempt. After a failure, the next call tries again.
 */
import type { Session } from './session.js';

export class LazySession {
  readonly #open: () => Promise<Session>;
  #opening: Promise<Session> | undefined;
  #session: Session | undefined;

  constructor(open: () => Promise<Session>) {
    this.#open = open;
  }

  /** `undefined` until it is open. */
  get current(): Session | undefined {
    return this.#session;
  }

  async get(): Promise<Session> {
    const opening = (this.#opening ??= this.#open());
    try {
      return (this.#session = await opening);
    } catch (error) {
      if (this.#opening === opening) this.#opening = undefined;
      throw error;
    }
  }
}
