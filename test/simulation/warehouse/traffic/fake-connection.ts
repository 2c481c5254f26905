/**
 * A connection of the driver to the modelled warehouse, as far as a session of the store uses one.
 *
 * Invariants:
 * - Errors are those of snowflake-sdk: their codes, and what they say of the connection.
 * - A request whose reply is lost may be sent again under its id. The server then answers with the first run.
 */
import type { Connection } from 'snowflake-sdk';
import type { VirtualRuntime } from '../../../../src/runtime/virtual-runtime.js';
import type { Driver } from '../../../../src/store/snowflake/session/driver.js';
import type { Link } from '../../worlds/world.js';
import type { ModelledWarehouse } from './modelled-warehouse.js';
import { terminated, unreachable } from './refusal.js';
import type { ServerSession } from './server-session.js';
import { StatementRequest, type Execution } from './statement-request.js';
import { Wire } from './wire.js';

type Done = (error?: Error) => void;

/** The driver of one process. */
export function fakeDriver(warehouse: ModelledWarehouse, machine: VirtualRuntime, link: Link): Driver {
  return { createConnection: () => new FakeConnection(warehouse, machine, link) as unknown as Connection };
}

export class FakeConnection {
  readonly #warehouse: ModelledWarehouse;
  readonly #wire: Wire;
  readonly #process: string;
  #session: ServerSession | undefined;
  #isUp = false;

  constructor(warehouse: ModelledWarehouse, machine: VirtualRuntime, link: Link) {
    this.#warehouse = warehouse;
    this.#process = link.process;
    this.#wire = new Wire(warehouse.machine, machine, link);
  }

  isUp(): boolean {
    return this.#isUp;
  }

  connect(done: Done): void {
    const { figures, traffic } = this.#warehouse;
    const wayMs = this.#warehouse.drawn(figures.loginMs) / 2;
    const failed = (): void => {
      this.#wire.later(this.#warehouse.drawn(figures.driverPauseMs), () => done(unreachable()));
    };
    const arrives = (): void => {
      if (traffic.failure > 0 && this.#random() < traffic.failure) return failed();
      const session = this.#warehouse.login(this.#process);
      const connected = (): void => {
        this.#session = session;
        this.#isUp = true;
        done();
      };
      this.#wire.toClient(wayMs, connected, failed);
    };
    this.#wire.toServer('login', wayMs, arrives, failed);
  }

  execute(execution: Execution): StatementRequest {
    const warehouse = this.#warehouse;
    const request = new StatementRequest(warehouse, this.#wire, execution, () => {
      this.#isUp = false;
    });
    if (this.#session === undefined || !this.#isUp) request.fail(terminated());
    else request.send(this.#session, warehouse.faultOf(request.statement));
    return request;
  }

  /** Logs out. What still runs is aborted, or goes on: the server does either. */
  destroy(done: Done): void {
    const session = this.#session;
    this.#isUp = false;
    this.#wire.close();
    if (session === undefined) return done();
    const wayMs = this.#warehouse.drawn(this.#warehouse.figures.clientMs) / 2;
    const arrives = (): void => {
      session.end();
      const { lateApplication } = this.#warehouse.traffic;
      const goesOn = lateApplication > 0 && this.#random() < 0.5;
      if (!goesOn) for (const run of session.running) run.abort();
      this.#wire.toClient(wayMs, () => done(), done);
    };
    this.#wire.toServer('logout', wayMs, arrives, done);
  }

  readonly #random = (): number => this.#warehouse.machine.random();
}
