/**
 * A session: one connection, with a driver around it that can be relied on.
 *
 * Invariants:
 * - One statement at a time.
 * - A statement has a deadline. When it passes, or the session is closed, the statement is cancelled, the connection is
 *   given up, and the caller gets an error.
 * - A connection whose session is gone is discarded, whatever the driver says of it. The statement is sent once more over
 *   a new one: each of ours may run twice.
 * - A login that failed is not tried again before a pause that grows.
 * - Nothing that the driver throws, and nothing of the credentials, gets out.
 * - After `close`, nothing of the driver keeps the process alive for longer than 3 s.
 */
import type { Connection, RowStatement } from 'snowflake-sdk';
import { asError, StoppedError, StoreError } from '../../../errors.js';
import type { Log } from '../../../log.js';
import { storeClosed } from '../../open-calls.js';
import { runInContextCopy } from '../../../runtime/async-context.js';
import { exponentialMs, halfJitterMs } from '../../../runtime/backoff.js';
import { isoTime, sleep, type Runtime } from '../../../runtime/runtime.js';
import { withTimeout } from '../../../runtime/with-timeout.js';
import type { Driver } from './driver.js';
import { DriverError, isBusy, isSessionGone } from './driver-error.js';
import { loginError, optionsError } from './error-mapping.js';
import type { ConnectionSource, SnowflakeConnection } from '../options.js';
import { HttpRequests } from './http-requests.js';
import type { Secrets } from './secrets.js';

/** A row as the driver gives it: by the names of its columns, in capitals. */
export type Row = Readonly<Record<string, unknown>>;

/** What runs statements. */
export type StatementRunner = Pick<Session, 'run'>;
/** The same, for who has to know whether two statements ran on one connection. */
export type SessionHandle = Pick<Session, 'run' | 'logins'>;

export interface RunOptions {
  /** Numbers as the server wrote them. */
  readonly numbersAsText?: boolean;
  /** Instead of the rows, the columns: `NAME` and `KIND`, as the driver calls it. */
  readonly described?: boolean;
  /** Not sent again where its session was gone: a new session does not see at once what the old one has written. */
  readonly once?: boolean;
}

export interface SessionParts {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly driver: () => Promise<Driver>;
  readonly source: ConnectionSource | undefined;
  readonly secrets: Secrets;
  /** Runs first on every new connection. */
  readonly settings: string;
  /** How long a statement, or a login, may take at first. */
  readonly deadlineMs: number;
  /** The longest pause after a login that failed, at first. */
  readonly longestPauseMs: number;
}

const FIRST_PAUSE_MS = 250;
/** The driver's retries of a login, where the user says nothing: this session tries again by itself. */
const LOGIN_RETRIES = 1;
/** How long `close` waits for the server to take note. */
const LOGOUT_MS = 2_000;

/** A connection of the driver, and what it sends. */
interface Wired {
  readonly connection: Connection;
  readonly requests: HttpRequests;
}

export class Session {
  readonly #parts: SessionParts;
  readonly #closing = new AbortController();
  /** Connections that log out, or have been given up. */
  readonly #leaving = new Map<Promise<void>, HttpRequests>();
  #line: Promise<unknown> = Promise.resolve();
  #wired: Wired | undefined;
  #deadlineMs: number;
  #longestPauseMs: number;
  #logins = 0;
  #failures = 0;
  #notBefore = 0;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    this.#deadlineMs = parts.deadlineMs;
    this.#longestPauseMs = parts.longestPauseMs;
  }

  /** Which connection it is on: rises with each. What an earlier one has written is others' to it. */
  get logins(): number {
    return this.#logins;
  }

  /** From now on no answer is waited for longer than this. */
  hurry(deadlineMs: number): void {
    this.#deadlineMs = Math.min(this.#deadlineMs, deadlineMs);
  }

  /** From now on no pause after a login that failed is longer than this. */
  pauseAtMost(pauseMs: number): void {
    this.#longestPauseMs = Math.min(this.#longestPauseMs, pauseMs);
  }

  /** Runs a statement after those that came before it. @throws DriverError, StoreError */
  run(text: string, bind?: string, options: RunOptions = {}): Promise<Row[]> {
    const turn = this.#line.then(() => this.#run(text, bind, options));
    this.#line = turn.catch(() => {}); // whoever sent it is told
    return turn;
  }

  /** Gives up what is under way, and lets the connection go. Nothing of it keeps the process alive for longer than 3 s. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#line;
    this.#discard();
    const left = new AbortController();
    void Promise.all(this.#leaving.keys()).then(() => left.abort());
    await sleep(this.#parts.runtime, LOGOUT_MS, left.signal);
    for (const requests of this.#leaving.values()) requests.close();
  }

  async #run(text: string, bind: string | undefined, options: RunOptions): Promise<Row[]> {
    for (let tries = 0; ; tries++) {
      const wired = (this.#wired ??= await this.#connect());
      try {
        return await this.#execute(wired, text, bind, options);
      } catch (error) {
        const gone = error instanceof DriverError && (isSessionGone(error) || !wired.connection.isUp());
        if (gone) this.#discard();
        if (!gone || tries > 0 || options.once === true || !isSessionGone(error)) throw error;
        this.#parts.log.debug({ code: error.code }, 'the session was gone: a new one takes its place');
      }
    }
  }

  async #connect(): Promise<Wired> {
    const { runtime, log } = this.#parts;
    const pauseMs = this.#notBefore - runtime.monotonicMs();
    if (pauseMs > 0) await sleep(runtime, pauseMs, this.#closing.signal);
    if (this.#closing.signal.aborted) throw storeClosed();
    try {
      const wired = await this.#login();
      this.#failures = 0;
      this.#logins++;
      return wired;
    } catch (error) {
      const widest = exponentialMs(FIRST_PAUSE_MS, this.#longestPauseMs, this.#failures++);
      this.#notBefore = runtime.monotonicMs() + halfJitterMs(widest, runtime.random());
      log.debug({ failures: this.#failures }, 'a login failed');
      throw error;
    }
  }

  async #login(): Promise<Wired> {
    const { source, secrets, driver, settings } = this.#parts;
    const options = await this.#timed('the function that gives the connection', nothing, () => given(source));
    secrets.learn(options);
    const sdk = await driver();
    const made = this.#made(sdk, options);
    try {
      await this.#timed('the login', nothing, () => connected(made.connection));
      await this.#execute(made, settings, undefined, {});
      return made;
    } catch (error) {
      this.#leave(made);
      if (error instanceof StoreError || isBusy(error)) throw error;
      throw loginError(error, { secrets, options, now: isoTime(this.#parts.runtime.wallMs()) });
    }
  }

  #made(sdk: Driver, options: SnowflakeConnection | undefined): Wired {
    const requests = new HttpRequests();
    const whole = options && requests.marking({ sfRetryMaxLoginRetries: LOGIN_RETRIES, ...options });
    try {
      return { connection: sdk.createConnection(whole), requests };
    } catch (error) {
      throw optionsError(error, this.#parts.secrets);
    }
  }

  /** `execute` may throw at once; what `complete` is given goes straight into a promise, so that nothing throws in it. */
  #execute(
    { connection, requests }: Wired,
    sqlText: string,
    bind: string | undefined,
    { numbersAsText, described }: RunOptions,
  ): Promise<Row[]> {
    const { runtime } = this.#parts;
    const givenUp = new AbortController();
    let statement: RowStatement | undefined;
    const giveUp = (): void => {
      givenUp.abort();
      this.#discard(statement);
    };
    const requestId = runtime.uuid();
    const send = (): Promise<Row[]> =>
      new Promise((resolve, reject) => {
        statement = connection.execute({
          ...{ sqlText, requestId },
          ...(bind === undefined ? {} : { binds: [bind] }),
          // Said each time: the user's connection may say otherwise, for statements of the user's own, and the account may
          // expect another number of statements, even of the one that sets up the session. The driver writes to the object.
          parameters: { MULTI_STATEMENT_COUNT: 1 },
          ...{ rowMode: 'object', streamResult: false, fetchAsString: numbersAsText === true ? ['Number'] : [] },
          complete: (error, answered, rows) => {
            if (error !== undefined && error !== null) return reject(error);
            try {
              resolve(described === true ? columnsOf(answered) : ((rows ?? []) as Row[]));
            } catch (thrown) {
              reject(asError(thrown)); // in here it would end the process
            }
          },
        });
      });
    return this.#timed('a statement', giveUp, () => requests.repeating(runtime, givenUp.signal, send));
  }

  /** Waits for the work until its deadline, or until the session is closed. */
  async #timed<T>(what: string, giveUp: () => void, work: () => Promise<T>): Promise<T> {
    const { runtime, secrets } = this.#parts;
    try {
      return await withTimeout(runtime, work, { timeoutMs: this.#deadlineMs, signal: this.#closing.signal, what });
    } catch (thrown) {
      if (thrown instanceof StoppedError || thrown instanceof StoreError) giveUp();
      if (thrown instanceof StoppedError) throw unanswered();
      throw thrown instanceof StoreError ? thrown : new DriverError(thrown, secrets);
    }
  }

  #discard(statement?: RowStatement): void {
    const wired = this.#wired;
    this.#wired = undefined;
    if (wired !== undefined) this.#leave(wired, statement);
  }

  /** Tells the server, without waiting for it. */
  #leave({ connection, requests }: Wired, statement?: RowStatement): void {
    const cancelled = statement && called((done) => statement.cancel(done));
    const loggedOut = called((done) => connection.destroy(done));
    const left = Promise.all([cancelled, loggedOut]).then(() => {
      requests.close();
      this.#leaving.delete(left);
    });
    this.#leaving.set(left, requests);
  }
}

async function given(source: ConnectionSource | undefined): Promise<SnowflakeConnection | undefined> {
  if (typeof source !== 'function') return source;
  try {
    return await runInContextCopy(source);
  } catch {
    // What it threw may hold what it was about to return.
    throw new StoreError('STORE_LOGIN_REFUSED', 'the function that should give the connection failed', true);
  }
}

function connected(connection: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.connect((error) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}

function unanswered(): StoreError {
  return new StoreError('STORE_UNAVAILABLE', 'the store was closed before Snowflake answered', true);
}

function nothing(): void {}

function columnsOf(statement: RowStatement): Row[] {
  return (statement.getColumns() ?? []).map((column) => ({ NAME: column.getName(), KIND: column.getType() }));
}

/** Resolves when `work` calls back, or throws. */
function called(work: (done: () => void) => unknown): Promise<void> {
  return new Promise((resolve) => {
    try {
      work(() => resolve());
    } catch {
      resolve();
    }
  });
}
