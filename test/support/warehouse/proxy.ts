/**
 * The warehouse proxy between Snowflake's driver and the emulator. It plays all of Snowflake that is not SQL.
 *
 * Every part of it can be turned while it runs: `faults`, `locks`, `slots`, `latency`, `suspension`, `account`, `changes`,
 * `sessions`, `clock`, `lateReads`, `catalogue`; `meter` has seen everything, and `watch` sees what runs.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Account, type AccountOptions } from './account.js';
import { Catalogue } from './catalogue.js';
import { Changes } from './change-tokens.js';
import { classify } from './statement-kind.js';
import { Clock } from './clock.js';
import { Execution } from './statement-execution.js';
import { Faults, type Fault, type Target } from './faults.js';
import { readRequest, send, sendPage, type Request } from './http.js';
import { Latency, type LatencyOptions } from './latency.js';
import { LateReads, type Lateness } from './late-reads.js';
import { Locks, type LockOptions } from './locks.js';
import { Meter } from './meter.js';
import { pause, unlessAborted } from './pause.js';
import { Queries } from './query-routes.js';
import { Reception } from './login-routes.js';
import { Sessions } from './sessions.js';
import { Slots, type SlotOptions } from './slots.js';
import { Suspension, type SuspensionOptions } from './suspension.js';
import { Tables } from './table-traits.js';
import { Upstream } from './emulator-client.js';
import { Watch } from './watch.js';
import { done, Refusal, type Reply } from './wire-replies.js';

export interface WarehouseOptions {
  /** Where the emulator listens. */
  readonly emulatorPort: number;
  /** The port to listen on. Default: a free one. */
  readonly port?: number;
  readonly account?: Partial<AccountOptions>;
  readonly locks?: Partial<LockOptions>;
  readonly slots?: Partial<SlotOptions>;
  readonly latency?: Partial<LatencyOptions>;
  readonly suspension?: Partial<SuspensionOptions>;
  /** How late sessions see what others have committed; not at all if not said. */
  readonly lateReads?: Lateness;
  /** An UPDATE or a DELETE reads its source as of its start, before it waited for its table. Default: after the wait. */
  readonly oldSources?: boolean;
  /** A statement that has not ended after so long is answered with "in progress" (Snowflake: 45 s). */
  readonly progressMs?: number;
}

/** How long after its client has gone a statement is ended, under ABORT_DETACHED_QUERY. */
const DETACHED_SECONDS = 300;

export class WarehouseProxy {
  readonly account: Account;
  readonly sessions = new Sessions();
  readonly locks: Locks;
  readonly slots: Slots;
  readonly latency: Latency;
  readonly suspension: Suspension;
  readonly faults = new Faults();
  readonly meter = new Meter();
  readonly changes = new Changes();
  readonly clock = new Clock();
  readonly lateReads: LateReads;
  readonly tables = new Tables();
  readonly catalogue = new Catalogue();
  readonly watch = new Watch();

  readonly #upstream: Upstream;
  readonly #reception: Reception;
  readonly #queries: Queries;
  readonly #server: Server;
  readonly #stopping = new AbortController();
  readonly #busy = new Set<Promise<void>>();

  private constructor(options: WarehouseOptions) {
    this.account = new Account(options.account ?? {});
    this.locks = new Locks(options.locks);
    this.slots = new Slots({ count: 8, heldWhileLocked: true, ...options.slots });
    this.latency = new Latency(options.latency ?? {});
    this.suspension = new Suspension(options.suspension ?? {});
    this.lateReads = new LateReads(this.clock, options.lateReads);
    this.lateReads.oldSources = options.oldSources ?? false;
    this.#upstream = new Upstream(options.emulatorPort);
    this.#reception = new Reception(this.account, this.sessions, this.#upstream);
    const { account, locks, slots, latency, suspension, lateReads, changes, tables, catalogue, meter, watch } = this;
    const parts = { account, locks, slots, latency, suspension, lateReads, changes, tables, catalogue, meter, watch };
    this.#queries = new Queries({
      sessions: this.sessions,
      execution: new Execution({ upstream: this.#upstream, ...parts }),
      progressMs: options.progressMs ?? 45_000,
      detachedMs: () => DETACHED_SECONDS * this.suspension.secondMs,
    });
    this.#server = createServer((message, response) => this.#keep(this.#receive(message, response)));
    // Else Node ends a connection that has rested for five seconds, and with it a request that comes just then.
    this.#server.keepAliveTimeout = 0;
  }

  static async start(options: WarehouseOptions): Promise<WarehouseProxy> {
    const proxy = new WarehouseProxy(options);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resolves when nothing runs any more, and every connection is closed. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Refusal('000604', '57014', 'The warehouse proxy stops'));
    const closed = new Promise((resolve) => this.#server.close(resolve));
    await this.#queries.stop();
    this.#server.closeAllConnections();
    await closed;
    await Promise.allSettled(this.#busy);
    this.#upstream.close();
  }

  /** Whether a client may reach it: `false` cuts every connection and refuses new ones, as a network that is down. */
  set reachable(reachable: boolean) {
    this.#reachable = reachable;
    if (!reachable) this.cut();
  }
  #reachable = true;

  /** Cuts every connection. New ones are accepted. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  /** How many requests came while it was not reachable. */
  get refused(): number {
    return this.#refused;
  }
  #refused = 0;

  #keep(work: Promise<void>): void {
    const kept = work.finally(() => this.#busy.delete(kept));
    this.#busy.add(kept);
    kept.catch(() => {}); // the client has gone, or the proxy stops
  }

  async #receive(message: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#reachable) {
      this.#refused++;
      message.socket.destroy();
      return;
    }
    const request = await readRequest(message);
    if (request.route === undefined) {
      sendPage(response, 404);
      return;
    }
    const fault = this.faults.take(this.#target(request));
    if (fault?.kind === 'status') {
      sendPage(response, fault.status);
      return;
    }
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'cut') {
      message.socket.destroy();
      return;
    }
    await pause(this.latency.networkMs, this.#stopping.signal);
    await this.#reply(request, response, fault);
  }

  #target({ route, token, body }: Request): Target {
    if (route !== 'query') return { route: route! };
    const { kind, text } = classify(String(body.sqlText));
    const tag = this.sessions.all.find((session) => session.token === token)?.tag;
    return {
      ...{ route, kind, text },
      ...(tag !== undefined && { tag }),
      get binds() {
        return JSON.stringify(body.bindings ?? {}); // large, and no rule but one that aims at binds reads it
      },
    };
  }

  async #reply(request: Request, response: ServerResponse, fault: Fault | undefined): Promise<void> {
    let status = 200;
    const held = (what: 'request' | 'answer') =>
      fault?.kind === 'held' && fault.what === what ? fault.until : undefined;
    await unlessAborted(held('request'), this.#stopping.signal);
    const reply = await this.#answer(request, response, fault).catch((error: unknown) => {
      if (error instanceof Refusal) status = error.status;
      return this.#refusal(error).reply();
    });
    await unlessAborted(held('answer'), this.#stopping.signal);
    if (reply === undefined) return;
    if (fault?.kind === 'lost') response.destroy();
    else if (reply === NOT_FOUND) sendPage(response, 404);
    else send(response, reply, status);
  }

  /** An error for what the test bed does not support, with a code that the driver does not repeat. */
  #refusal(error: unknown): Refusal {
    return error instanceof Refusal ? error : new Refusal('000603', 'XX000', `The test bed failed: ${String(error)}`);
  }

  async #answer(request: Request, response: ServerResponse, fault: Fault | undefined): Promise<Reply | undefined> {
    if (fault?.kind === 'refused') throw fault.refusal;
    if (fault?.kind === 'expired' || fault?.kind === 'gone' || fault?.kind === 'invalid') {
      this.sessions.put(fault.kind, ({ token, masterToken }) => [token, masterToken].includes(request.token));
    }
    switch (request.route!) {
      case 'login':
        return this.#login(request);
      case 'renew':
        return this.#reception.renew(request);
      case 'logout':
        return this.#reception.logout(request);
      case 'heartbeat':
        this.sessions.of(request.token);
        return done();
      case 'query':
        return this.#queries.run(request, response, fault);
      case 'result':
        return this.#queries.result(request);
      case 'abort':
        return this.#queries.abort(request);
      case 'status':
        return this.#queries.status(request);
      case 'telemetry':
        return done();
    }
  }

  async #login(request: Request): Promise<Reply> {
    if (!this.account.has(request.body.data?.ACCOUNT_NAME)) return NOT_FOUND;
    await pause(this.latency.loginMs, this.#stopping.signal);
    return this.#reception.login(request);
  }
}

/** An account that does not exist: another web server answers. */
const NOT_FOUND: Reply = { success: false };
