/**
 * One session of the driver, which keeps what a measurement needs of each statement: its time, its id, its error.
 *
 * Invariants:
 * - An error is the library's own `DriverError`, so that a measurement sees what the library would see, without secrets.
 * - Each statement is a request of its own, never one of several statements.
 */
import type { Connection, ConnectionOptions, RowStatement } from 'snowflake-sdk';
import { loadDriver } from '../../src/store/snowflake/session/driver.js';
import { DriverError } from '../../src/store/snowflake/session/driver-error.js';
import type { Secrets } from '../../src/store/snowflake/session/secrets.js';

export type Row = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly rows: readonly Row[];
  /** From sending it until the driver had the answer. */
  readonly ms: number;
  readonly queryId: string | undefined;
}

/** What became of a statement: `error` is `undefined` if it succeeded. */
export interface Attempt extends Answer {
  readonly error: DriverError | undefined;
}

export interface LiveSession {
  /** @throws DriverError */
  run(sql: string, bind?: string): Promise<Answer>;
  attempt(sql: string, bind?: string): Promise<Attempt>;
  /** Cancels what runs, and logs out. What is run afterwards fails, without being sent. */
  close(): Promise<void>;
}

export type Connect = () => Promise<LiveSession>;

/** How long a logout may take before the session is left to itself. */
const LOGOUT_MS = 5_000;

/** @param sent called for each statement */
export function connecting(options: ConnectionOptions | undefined, secrets: Secrets, sent: () => void): Connect {
  secrets.learn(options);
  return async () => {
    try {
      // The driver changes the object.
      const connection = (await loadDriver()).createConnection(options && { ...options });
      await new Promise<void>((resolve, reject) => {
        connection.connect((error) => (error ? reject(error) : resolve()));
      });
      return new DriverSession(connection, secrets, sent);
    } catch (error) {
      throw new DriverError(error, secrets);
    }
  };
}

class DriverSession implements LiveSession {
  readonly #connection: Connection;
  readonly #secrets: Secrets;
  readonly #sent: () => void;
  readonly #running = new Set<RowStatement>();
  #isClosed = false;

  constructor(connection: Connection, secrets: Secrets, sent: () => void) {
    this.#connection = connection;
    this.#secrets = secrets;
    this.#sent = sent;
  }

  async run(sql: string, bind?: string): Promise<Answer> {
    const { error, ...answer } = await this.attempt(sql, bind);
    if (error !== undefined) throw error;
    return answer;
  }

  attempt(sqlText: string, bind?: string): Promise<Attempt> {
    if (this.#isClosed) {
      // The driver would send it, and the server may never answer: the driver then repeats it for minutes.
      const error = new DriverError(new Error('The session is closed.'), this.#secrets);
      return Promise.resolve({ error, rows: [], ms: 0, queryId: undefined });
    }
    this.#sent();
    const start = performance.now();
    return new Promise((resolve) => {
      const ended = (error: unknown, rows: readonly Row[], queryId: string | undefined): void => {
        const seen = error === undefined ? undefined : new DriverError(error, this.#secrets);
        resolve({ error: seen, rows, ms: performance.now() - start, queryId: queryId ?? seen?.queryId });
      };
      try {
        const statement = this.#connection.execute({
          ...{ sqlText, parameters: { MULTI_STATEMENT_COUNT: 1 }, streamResult: false },
          ...(bind !== undefined && { binds: [bind] }),
          complete: (error, answered, rows) => {
            this.#running.delete(statement);
            if (error) ended(error, [], undefined);
            else ended(undefined, (rows ?? []) as Row[], answered.getQueryId());
          },
        });
        this.#running.add(statement);
      } catch (error) {
        ended(error, [], undefined); // the driver throws at once for some binds
      }
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const cancelled = [...this.#running].map((statement) => calledBack((done) => statement.cancel(done)));
    await within(LOGOUT_MS, Promise.all(cancelled));
    await within(
      LOGOUT_MS,
      calledBack((done) => this.#connection.destroy(done)),
    );
  }
}

function calledBack(work: (done: () => void) => unknown): Promise<void> {
  return new Promise((resolve) => {
    try {
      work(() => resolve());
    } catch {
      resolve();
    }
  });
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([work, new Promise((resolve) => (timer = setTimeout(resolve, ms)))]);
  clearTimeout(timer);
}
