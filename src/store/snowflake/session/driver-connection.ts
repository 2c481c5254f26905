/**
 * One connection of the driver: signs in, runs statements, and logs out.
 *
 * Invariants:
 * - Whatever the driver throws becomes a rejection: `execute` may throw at once, and a throw inside its callback would end the
 *   process.
 * - A statement keeps its request id when it is sent again, so it runs once.
 * - The shape of rows does not depend on the options of the connection.
 */
import type { Connection, RowStatement } from 'snowflake-sdk';
import { asError } from '../../../errors.js';
import type { Runtime } from '../../../runtime/runtime.js';
import type { SnowflakeConnection } from '../options.js';
import type { Driver } from './driver.js';
import { HttpRequests, type RepeatLimits } from './http-requests.js';
import type { Row, RunOptions } from './session-interface.js';

/** How often the driver repeats a login, unless the user sets it: a session tries again by itself. */
const LOGIN_RETRIES = 1;

export class DriverConnection {
  readonly #runtime: Runtime;
  readonly #connection: Connection;
  readonly #requests = new HttpRequests();
  /** The statement that was sent last, until it succeeds. One whose request failed may still run on the server. */
  #statement: RowStatement | undefined;

  /** Throws what the driver throws. @param options without them the driver reads its `connections.toml` */
  constructor(runtime: Runtime, driver: Driver, options: SnowflakeConnection | undefined) {
    this.#runtime = runtime;
    const marked = options && this.#requests.marking({ sfRetryMaxLoginRetries: LOGIN_RETRIES, ...options });
    this.#connection = driver.createConnection(marked);
  }

  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#connection.connect((error) => (error === undefined || error === null ? resolve() : reject(error)));
    });
  }

  isUp(): boolean {
    return this.#connection.isUp();
  }

  /** @param limits until when the statement is sent again if its request fails, and how often */
  execute(text: string, bind: string | undefined, options: RunOptions, limits: RepeatLimits): Promise<Row[]> {
    const requestId = this.#runtime.uuid();
    return this.#requests.repeating(this.#runtime, limits, () => this.#send(text, bind, options, requestId));
  }

  #send(
    sqlText: string,
    bind: string | undefined,
    { numbersAsText, described }: RunOptions,
    requestId: string,
  ): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      this.#statement = this.#connection.execute({
        sqlText,
        requestId,
        ...(bind === undefined ? {} : { binds: [bind] }),
        // Set each time: the user's connection may set another number for statements of its own, and the account may expect
        // another one, even of the statement that sets up the session. The driver writes to the object.
        parameters: { MULTI_STATEMENT_COUNT: 1 },
        rowMode: 'object',
        streamResult: false,
        fetchAsString: numbersAsText === true ? ['Number'] : [],
        complete: (error, answered, rows) => {
          if (error !== undefined && error !== null) return reject(error);
          this.#statement = undefined; // it holds its rows
          try {
            resolve(described === true ? columnsOf(answered) : ((rows ?? []) as Row[]));
          } catch (thrown) {
            reject(asError(thrown));
          }
        },
      });
    });
  }

  /**
   * Logs out, after cancelling the last statement if `cancel` is set and it has not succeeded. Resolves when the server has
   * taken note, and then sends nothing more.
   */
  async leave({ cancel }: { readonly cancel: boolean }): Promise<void> {
    // Otherwise the server, which cancels the statement, may end its request first, and the driver would pause to repeat it.
    this.#requests.giveUpStatements();
    const statement = cancel ? this.#statement : undefined;
    const cancelled = statement && calledBack((done) => statement.cancel(done));
    const loggedOut = calledBack((done) => this.#connection.destroy(done));
    await Promise.all([cancelled, loggedOut]);
    this.endRequests();
  }

  /** Ends what is in flight, without waiting for the server. */
  endRequests(): void {
    this.#requests.close();
  }
}

function columnsOf(statement: RowStatement): Row[] {
  return (statement.getColumns() ?? []).map((column) => ({ NAME: column.getName(), KIND: column.getType() }));
}

/** Resolves when `work` calls back, or throws. */
function calledBack(work: (done: () => void) => unknown): Promise<void> {
  return new Promise((resolve) => {
    try {
      work(() => resolve());
    } catch {
      resolve();
    }
  });
}
