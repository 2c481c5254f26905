/**
 * A session: runs one statement at a time on a connection that it replaces when needed.
 *
 * Invariants:
 * - A statement has a deadline. If it passes, or the session is closed, the statement is cancelled, the connection is dropped,
 *   and the caller gets an error.
 * - A connection whose session is gone is dropped, whatever the driver says of it. The statement is sent once more over a new
 *   one: each of our statements may run twice.
 * - After a failed login the next one waits, longer each time. So does a statement whose request failed. Neither waits for longer than half
 *   a heartbeat interval: once Snowflake answers again, a pod is heard before it is taken for dead.
 * - Nothing that the driver throws leaves as it is, and no credentials leave at all.
 * - After `close`, nothing of the driver keeps the process alive for longer than 3 s.
 */
import { StoppedError, StoreError } from '../../../errors.js';
import { loggedError, type Log } from '../../../log.js';
import { runInContextCopy } from '../../../runtime/async-context.js';
import { isoTime, sleep, type Runtime } from '../../../runtime/runtime.js';
import { withTimeout } from '../../../runtime/with-timeout.js';
import { storeClosed } from '../../open-calls.js';
import type { ConnectionSource, SnowflakeConnection } from '../options.js';
import { DepartingConnections } from './departing-connections.js';
import type { Driver } from './driver.js';
import { DriverConnection } from './driver-connection.js';
import { DriverError, isBusy, isSessionGone } from './driver-error.js';
import { loginError, optionsError } from './error-mapping.js';
import { LoginBackoff } from './login-backoff.js';
import type { Secrets } from './secrets.js';
import type { Row, RunOptions, SessionHandle } from './session-interface.js';

export interface SessionDependencies {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly driver: () => Promise<Driver>;
  readonly source: ConnectionSource | undefined;
  readonly secrets: Secrets;
  /** The first statement of every new connection. */
  readonly settings: string;
  /** How long a statement, or a login, may take at first. */
  readonly deadlineMs: number;
  /** The longest pause after a failed login or request, at first. */
  readonly longestPauseMs: number;
}

export class Session implements SessionHandle {
  readonly #dependencies: SessionDependencies;
  readonly #backoff: LoginBackoff;
  readonly #departing: DepartingConnections;
  readonly #closing = new AbortController();
  /** Settles when all statements so far have ended. */
  #queue: Promise<unknown> = Promise.resolve();
  #connection: DriverConnection | undefined;
  #deadlineMs: number;
  #longestPauseMs: number;
  #logins = 0;

  constructor(dependencies: SessionDependencies) {
    this.#dependencies = dependencies;
    this.#backoff = new LoginBackoff(dependencies.runtime, dependencies.longestPauseMs);
    this.#departing = new DepartingConnections(dependencies.runtime);
    this.#deadlineMs = dependencies.deadlineMs;
    this.#longestPauseMs = dependencies.longestPauseMs;
  }

  get logins(): number {
    return this.#logins;
  }

  /** From now on no answer is awaited for longer than this. */
  shortenDeadline(deadlineMs: number): void {
    this.#deadlineMs = Math.min(this.#deadlineMs, deadlineMs);
  }

  /** From now on no pause after a failed login or request is longer than this. */
  pauseAtMost(pauseMs: number): void {
    this.#longestPauseMs = Math.min(this.#longestPauseMs, pauseMs);
    this.#backoff.pauseAtMost(pauseMs);
  }

  /** Runs a statement after those that came before it. @throws DriverError, StoreError */
  run(text: string, bind?: string, options: RunOptions = {}): Promise<Row[]> {
    const turn = this.#queue.then(() => this.#run(text, bind, options));
    this.#queue = turn.catch(() => {}); // its caller gets the error
    return turn;
  }

  /** Gives up the statement that runs, and logs out. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#queue;
    this.#drop({ cancel: false });
    await this.#departing.close();
  }

  async #run(text: string, bind: string | undefined, options: RunOptions): Promise<Row[]> {
    for (let tries = 0; ; tries++) {
      const connection = (this.#connection ??= await this.#connect());
      try {
        return await this.#execute(connection, text, bind, options);
      } catch (error) {
        const gone = error instanceof DriverError && (isSessionGone(error) || !connection.isUp());
        if (gone) this.#drop({ cancel: false });
        if (!gone || tries > 0 || options.once === true || !isSessionGone(error)) throw error;
        this.#dependencies.log.debug({ error: loggedError(error) }, 'session ended by the server; logging in again');
      }
    }
  }

  async #connect(): Promise<DriverConnection> {
    const { runtime, log } = this.#dependencies;
    const pauseMs = this.#backoff.remainingMs();
    if (pauseMs > 0) await sleep(runtime, pauseMs, this.#closing.signal);
    if (this.#closing.signal.aborted) throw storeClosed();
    try {
      const connection = await this.#login();
      this.#backoff.succeeded();
      this.#logins++;
      return connection;
    } catch (error) {
      const failures = this.#backoff.failed();
      log.debug({ failures }, 'login failed; the next statement tries again');
      throw error;
    }
  }

  async #login(): Promise<DriverConnection> {
    const { runtime, source, secrets, driver, settings } = this.#dependencies;
    const options = await this.#timed('the function that returns the connection', nothing, () => resolved(source));
    secrets.learn(options);
    const connection = this.#create(await driver(), options);
    try {
      await this.#timed('the login', nothing, () => connection.connect());
      await this.#execute(connection, settings, undefined, {});
      return connection;
    } catch (error) {
      this.#departing.add(connection, { cancel: false });
      if (error instanceof StoreError || isBusy(error)) throw error;
      throw loginError(error, { secrets, options, now: isoTime(runtime.wallMs()) });
    }
  }

  #create(driver: Driver, options: SnowflakeConnection | undefined): DriverConnection {
    const { runtime, secrets } = this.#dependencies;
    try {
      return new DriverConnection(runtime, driver, options);
    } catch (error) {
      throw optionsError(error, secrets);
    }
  }

  #execute(connection: DriverConnection, text: string, bind: string | undefined, options: RunOptions): Promise<Row[]> {
    const givenUp = new AbortController();
    const giveUp = (): void => {
      givenUp.abort();
      this.#drop({ cancel: true });
    };
    const limits = { signal: givenUp.signal, longestPauseMs: this.#longestPauseMs };
    return this.#timed('a statement', giveUp, () => connection.execute(text, bind, options, limits));
  }

  /** Waits for the work until its deadline, or until the session is closed. */
  async #timed<T>(what: string, giveUp: () => void, work: () => Promise<T>): Promise<T> {
    const { runtime, secrets } = this.#dependencies;
    try {
      return await withTimeout(runtime, work, { timeoutMs: this.#deadlineMs, signal: this.#closing.signal, what });
    } catch (thrown) {
      if (thrown instanceof StoppedError || thrown instanceof StoreError) giveUp();
      if (thrown instanceof StoppedError) throw closedBeforeAnswer();
      throw thrown instanceof StoreError ? thrown : new DriverError(thrown, secrets);
    }
  }

  #drop(options: { readonly cancel: boolean }): void {
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) this.#departing.add(connection, options);
  }
}

async function resolved(source: ConnectionSource | undefined): Promise<SnowflakeConnection | undefined> {
  if (typeof source !== 'function') return source;
  try {
    return await runInContextCopy(source);
  } catch {
    // What it threw may hold what it was about to return.
    const message = 'the function given as `connection` failed; its error is not shown, because it may hold secrets';
    throw new StoreError('STORE_LOGIN_REFUSED', message, true);
  }
}

function closedBeforeAnswer(): StoreError {
  return new StoreError('STORE_UNAVAILABLE', 'the store was closed before Snowflake answered', true);
}

function nothing(): void {}
