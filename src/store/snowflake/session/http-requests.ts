/**
 * The HTTP requests that the driver makes for one connection: they are ended when the connection is given up.
 *
 * The driver repeats a request that failed for up to two minutes, on timers of its own, and offers no handle on either.
 * A process that has closed everything would not end before.
 *
 * Invariants:
 * - Requests of other connections are never touched. A request is known by its agent: the driver makes agents for each
 *   connection, and `agentClass` is asked before; it marks what the agent is made of.
 * - The driver never gets to a second pause: its first repetition is ended as it starts. The statement is sent
 *   again from here, under the same request id, so that it runs once. That includes the parts of a large result, which
 *   the driver fetches from the cloud's object store. Their repetitions are known by a URL that has failed before.
 * - After `close` nothing is under way, and nothing new is sent. What may be left is the driver's first pause, 3 s at most.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { asError } from '../../../errors.js';
import { doubledMs, halfJitterMs } from '../../../runtime/backoff.js';
import { sleep, type Runtime } from '../../../runtime/runtime.js';

/** The driver takes an error of this code for a request that was cancelled, and does not repeat that. */
const ENDED = 'ERR_CANCELED';
/** A login the driver repeats whatever the error is, except for some errors of certificates. */
const LOGIN_ENDED = 'CERT_HAS_EXPIRED';
const LOGIN = /\/v1\/login-request\b/;
/** What the driver adds to the URL of a repetition. */
const REPEATED = /[?&]retryCount=/;
/** Asked again and again on purpose, until the statement has a result; other GETs fetch parts of large results. */
const POLL = '/queries/';

/** As long as the driver itself would repeat. */
const PATIENCE_MS = 120_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

const OWNER = Symbol('FleetQ');
/** No agent for any protocol: the driver makes its own. */
const NO_AGENT = { protocol: '' };

type Marked = { [OWNER]?: HttpRequests };

let subscribed = false;

/** Node reports every request of the process when it starts; those of others are ignored. */
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
  readonly #underWay = new Set<ClientRequest>();
  /** The parts of large results whose last request failed. */
  readonly #failedParts = new Set<string>();
  #closed = false;
  /** How the last request ended: the code of its error, or the HTTP status of its answer. */
  #ending: string | undefined;

  constructor() {
    subscribeOnce();
  }

  /** The options of a connection, so that its requests are known here. An `agentClass` of the user's own goes first. */
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
    if (this.#closed || isRepeated) {
      end(request);
      return;
    }
    this.#underWay.add(request);
    request.once('close', () => this.#underWay.delete(request));
    request.once('error', (error: NodeJS.ErrnoException) => (this.#ending = error.code));
    request.once('response', ({ statusCode }: IncomingMessage) => (this.#ending = `HTTP ${statusCode}`));
    if (part !== undefined) this.#watch(request, part);
  }

  /** Notes that a part of a large result has failed, by the driver's own rule. */
  #watch(request: ClientRequest, part: string): void {
    let arrived = false;
    request.once('response', (response: IncomingMessage) => {
      const isPart = response.statusCode === 200 && response.headers['content-type'] !== 'application/xml';
      response.once('end', () => (arrived = isPart));
    });
    request.once('close', () => arrived || this.#failedParts.add(part));
  }

  /** What `send` comes to: it is called again, after a pause that grows, where the driver would have sent it again. */
  async repeating<T>(runtime: Runtime, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
    const since = runtime.monotonicMs();
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = doubledMs(pauseMs, LONGEST_PAUSE_MS)) {
      try {
        return await send();
      } catch (thrown) {
        const error = asError(thrown);
        if (this.#closed || codeOf(error.cause) !== ENDED) throw error;
        const isOver = signal.aborted || runtime.monotonicMs() - since > PATIENCE_MS;
        if (isOver) throw Object.assign(error, { cause: { code: this.#ending } });
        await sleep(runtime, halfJitterMs(pauseMs, runtime.random()), signal);
      }
    }
  }

  close(): void {
    this.#closed = true;
    for (const request of this.#underWay) end(request);
  }
}

/** The URL of a part of a large result; `undefined` of any other request. */
function partOf({ method, host, path }: ClientRequest): string | undefined {
  return method === 'GET' && !path.startsWith(POLL) ? `${host}${path}` : undefined;
}

function end(request: ClientRequest): void {
  const code = LOGIN.test(request.path) ? LOGIN_ENDED : ENDED;
  request.destroy(Object.assign(new Error('the connection was given up'), { code }));
}

function codeOf(cause: unknown): unknown {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
}
