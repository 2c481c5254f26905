/**
 * The HTTP requests that the driver sends for one connection: counted, repeated from here, and ended with the connection.
 *
 * The driver repeats a failed request for up to two minutes, on timers of its own, and offers no handle on either. Without
 * this module, a process that has closed everything would stay alive that long.
 *
 * Invariants:
 * - Requests of other connections are never touched. A request is recognised by its agent: the driver makes agents for each
 *   connection, and calls `agentClass` before, which marks the options of the agent.
 * - The driver never gets to a second pause: its first repetition is ended when it starts. The statement is sent again from
 *   here, under the same request id, so it runs once. That includes the parts of a large result, which the driver fetches from
 *   the cloud's object store. Their repetitions are recognised by a URL that has failed before.
 * - After `close` no request is in flight, and none is sent. What may be left is the driver's first pause, 3 s at most, after a
 *   request that failed by itself.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { asError } from '../../../errors.js';
import { doubledMs, halfJitterMs } from '../../../runtime/backoff.js';
import { sleep, type Runtime } from '../../../runtime/runtime.js';

/** The driver takes an error with this code for a cancelled request, and does not repeat it. */
const ENDED = 'ERR_CANCELED';
/** The driver repeats a login after any error, except for some errors of certificates. */
const LOGIN_ENDED = 'CERT_HAS_EXPIRED';
const LOGIN = /\/v1\/login-request\b/;
/** The driver adds this to the URL of a repetition. */
const REPEATED = /[?&]retryCount=/;
/** These are polled on purpose until the statement has a result. Other GETs fetch parts of large results. */
const POLL = '/queries/';
const STATEMENT = '/queries/v1/query-request';

/** The driver itself would repeat for as long. */
const REPEAT_LIMIT_MS = 120_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

const OWNER = Symbol('FleetQ');
/** An agent for no protocol: the driver then makes its own. */
const NO_AGENT = { protocol: '' };

/** Until when a request is repeated, and how often. */
export interface RepeatLimits {
  readonly signal: AbortSignal;
  readonly longestPauseMs: number;
}

type Marked = { [OWNER]?: HttpRequests };

let subscribed = false;

/** Node publishes every request of the process when it starts. Requests of others are ignored. */
function subscribeOnce(): void {
  if (subscribed) return;
  subscribed = true;
  subscribe('http.client.request.start', (message) => {
    const { request } = message as {
      readonly request: ClientRequest & { readonly agent?: { readonly options?: Marked } };
    };
    request.agent?.options?.[OWNER]?.started(request);
  });
}

export class HttpRequests {
  readonly #inFlight = new Set<ClientRequest>();
  /** The parts of large results whose last request has failed. */
  readonly #failedParts = new Set<string>();
  #closed = false;
  #statementsGivenUp = false;
  /** How the last request ended: the code of its error, or the HTTP status of its answer. */
  #ending: string | undefined;

  constructor() {
    subscribeOnce();
  }

  /** The options of a connection whose requests are recognised here. The user's own `agentClass` wins. */
  marking<T extends object>(options: T): T {
    const agentClass = (agentOptions: Marked): typeof NO_AGENT => {
      agentOptions[OWNER] = this;
      return NO_AGENT;
    };
    return { agentClass, ...options };
  }

  /** Called for each request of the connection, when it starts. */
  started(request: ClientRequest): void {
    const isLogin = LOGIN.test(request.path);
    const part = partOf(request);
    const isRepeated =
      (REPEATED.test(request.path) && !isLogin) || (part !== undefined && this.#failedParts.delete(part));
    const isGivenUp = this.#closed || (this.#statementsGivenUp && isOfStatement(request));
    if (isGivenUp || isRepeated) {
      end(request);
      return;
    }
    this.#inFlight.add(request);
    request.once('close', () => this.#inFlight.delete(request));
    request.once('error', (error: NodeJS.ErrnoException) => (this.#ending = error.code));
    request.once('response', ({ statusCode }: IncomingMessage) => (this.#ending = `HTTP ${statusCode}`));
    if (part !== undefined) this.#watch(request, part);
  }

  /** Remembers a part of a large result that has failed, by the driver's own rule. */
  #watch(request: ClientRequest, part: string): void {
    let arrived = false;
    request.once('response', (response: IncomingMessage) => {
      const isPart = response.statusCode === 200 && response.headers['content-type'] !== 'application/xml';
      response.once('end', () => (arrived = isPart));
    });
    request.once('close', () => arrived || this.#failedParts.add(part));
  }

  /**
   * The result of `send`, which is called again, after growing pauses, when the driver would have repeated the request.
   *
   * @param limits.signal when it aborts, `send` is not called again
   * @param limits.longestPauseMs no pause is longer
   */
  async repeating<T>(runtime: Runtime, { signal, longestPauseMs }: RepeatLimits, send: () => Promise<T>): Promise<T> {
    const since = runtime.monotonicMs();
    const mostMs = Math.min(LONGEST_PAUSE_MS, longestPauseMs);
    for (let pauseMs = Math.min(FIRST_PAUSE_MS, mostMs); ; pauseMs = doubledMs(pauseMs, mostMs)) {
      try {
        return await send();
      } catch (thrown) {
        const error = asError(thrown);
        if (this.#closed || codeOf(error.cause) !== ENDED) throw error;
        const isOver = signal.aborted || runtime.monotonicMs() - since > REPEAT_LIMIT_MS;
        if (isOver) throw Object.assign(error, { cause: { code: this.#ending } });
        await sleep(runtime, halfJitterMs(pauseMs, runtime.random()), signal);
      }
    }
  }

  /**
   * Nobody awaits a statement of the connection any more. Ends what is in flight, and each statement that the driver sends
   * later: it sends one whose request was ended a second time. A cancel and a logout are sent.
   */
  giveUpStatements(): void {
    this.#statementsGivenUp = true;
    for (const request of this.#inFlight) end(request);
  }

  close(): void {
    this.#closed = true;
    this.giveUpStatements();
  }
}

/** The URL of a part of a large result; `undefined` for any other request. */
function partOf({ method, host, path }: ClientRequest): string | undefined {
  return method === 'GET' && !path.startsWith(POLL) ? `${host}${path}` : undefined;
}

/** Whether it sends a statement, or fetches a result. */
function isOfStatement({ method, path }: ClientRequest): boolean {
  return method === 'GET' || path.startsWith(STATEMENT);
}

function end(request: ClientRequest): void {
  const code = LOGIN.test(request.path) ? LOGIN_ENDED : ENDED;
  request.destroy(Object.assign(new Error('the connection was closed'), { code }));
}

function codeOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
}
