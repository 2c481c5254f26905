/**
 * Connections that log out or have been given up. Nobody waits for them until their session closes.
 *
 * Invariant: after `close`, none of them keeps the process alive for longer than the driver's own pause of 3 s.
 */
import { sleep, type Runtime } from '../../../runtime/runtime.js';
import type { DriverConnection } from './driver-connection.js';

/** How long `close` waits for the server to take note. */
const LOGOUT_MS = 2_000;

export class DepartingConnections {
  readonly #runtime: Runtime;
  readonly #leaving = new Map<Promise<void>, DriverConnection>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Logs the connection out in the background. */
  add(connection: DriverConnection, options: { readonly cancel: boolean }): void {
    const left = connection.leave(options).then(() => {
      this.#leaving.delete(left);
    });
    this.#leaving.set(left, connection);
  }

  async close(): Promise<void> {
    const left = new AbortController();
    void Promise.all(this.#leaving.keys()).then(() => left.abort());
    await sleep(this.#runtime, LOGOUT_MS, left.signal);
    for (const connection of this.#leaving.values()) connection.endRequests();
  }
}
