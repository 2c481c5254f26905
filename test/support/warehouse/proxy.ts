/**
 * The warehouse: what stands between Snowflake's driver and the emulator, and is all of Snowflake that is not SQL.
 *
 * Every part of it can be turned while it runs: `faults`, `locks`, `slots`, `latency`, `suspension`, `account`,
 * `sessions`; `meter` has seen everything.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Account, type AccountOptions } from './account.js';
import { Changes } from './changes.js';
import { classify } from './classify.js';
import { Execution, type QueryBody } from './execution.js';
import { Faults, type Fault, type Target } from './faults.js';
import { readRequest, send, sendPage, type Request } from './http.js';
import { Jobs, type Job } from './jobs.js';
import { Latency, type LatencyOptions } from './latency.js';
import { Locks, type LockOptions } from './locks.js';
import { Meter } from './meter.js';
import { pause } from './pause.js';
import { Reception } from './reception.js';
import { Sessions, type Session } from './sessions.js';
import { Slots, type SlotOptions } from './slots.js';
import { Suspension, type SuspensionOptions } from './suspension.js';
import { Upstream } from './upstream.js';
import { done, Refusal, refusals, type Reply } from './wire.js';

export interface WarehouseOptions {
  /** Where the emulator listens. */
  readonly emulatorPort: number;
  /** Where to listen; a free port if not said. */
  readonly port?: number;
  readonly account?: Partial<AccountOptions>;
  readonly locks?: Partial<LockOptions>;
  readonly slots?: Partial<SlotOptions>;
  readonly latency?: Partial<LatencyOptions>;
  readonly suspension?: Partial<SuspensionOptions>;
  /** A statement that has not ended after so long is answered with "in progress" (Snowflake: 45 s). */
  readonly progressMs?: number;
}

/** In one of Snowflake's seconds: how long after its client went a statement is ended, under ABORT_DETACHED_QUERY. */
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
  readonly jobs = new Jobs();

  readonly #upstream: Upstream;
  readonly #reception: Reception;
  readonly #execution: Execution;
  readonly #progressMs: number;
  readonly #server: Server;
  readonly #stopping = new AbortController();
  readonly #busy = new Set<Promise<void>>();

  private constructor(options: WarehouseOptions) {
    this.account = new Account(options.account ?? {});
    this.locks = new Locks({ waiters: 20, ...options.locks });
    this.slots = new Slots({ count: 8, heldWhileLocked: true, ...options.slots });
    this.latency = new Latency(options.latency ?? {});
    this.suspension = new Suspension(options.suspension ?? {});
    this.#progressMs = options.progressMs ?? 45_000;
    this.#upstream = new Upstream(options.emulatorPort);
    this.#reception = new Reception(this.account, this.sessions, this.#upstream);
    this.#execution = new Execution({ ...this, upstream: this.#upstream });
    this.#server = createServer((message, response) => this.#keep(this.#receive(message, response)));
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
    await this.jobs.stop();
    this.#server.closeAllConnections();
    await closed;
    await Promise.allSettled(this.#busy);
    this.#upstream.close();
  }

  /** Whether a client may reach it: `false` cuts every connection and refuses new ones, as a network that is down. */
  set reachable(reachable: boolean) {
    this.#reachable = reachable;
    if (!reachable) this.#server.closeAllConnections();
  }
  #reachable = true;

  #keep(work: Promise<void>): void {
    const kept = work.finally(() => this.#busy.delete(kept));
    this.#busy.add(kept);
    kept.catch(() => {}); // the client has gone, or the proxy stops
  }

  async #receive(message: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#reachable) return void message.destroy();
    const request = await readRequest(message);
    if (request.route === undefined) return sendPage(response, 404);
    const fault = this.faults.take(this.#target(request));
    if (fault?.kind === 'status') return sendPage(response, fault.status);
    if (fault?.kind === 'cut') return void message.destroy();
    if (fault?.kind === 'hang') return;
    await pause(this.latency.networkMs, this.#stopping.signal);
    await this.#reply(request, response, fault);
  }

  #target({ route, token, body }: Request): Target {
    if (route !== 'query') return { route: route! };
    const { kind, text } = classify(String(body.sqlText));
    const tag = this.sessions.all.find((session) => session.token === token)?.tag;
    return { route, kind, text, ...(tag !== undefined && { tag }) };
  }

  async #reply(request: Request, response: ServerResponse, fault: Fault | undefined): Promise<void> {
    let status = 200;
    const reply = await this.#answer(request, response, fault).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
      status = error.status;
      return error.reply();
    });
    if (reply === undefined) return;
    if (fault?.kind === 'lost') return void response.destroy();
    if (request.route === 'login' && reply === NOT_FOUND) return sendPage(response, 404);
    send(response, reply, status);
  }

  async #answer(request: Request, response: ServerResponse, fault: Fault | undefined): Promise<Reply | undefined> {
    if (fault?.kind === 'refused') throw fault.refusal;
    if (fault?.kind === 'expired' || fault?.kind === 'gone' || fault?.kind === 'invalid') {
      this.sessions.put(fault.kind, (session) => session.token === request.token);
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
        return this.#query(request, response, fault);
      case 'result':
        this.sessions.of(request.token);
        return this.#inTime(this.#job(request), this.#progressMs);
      case 'abort':
        return this.#abort(request);
      case 'status':
        return this.#status(request);
      case 'telemetry':
        return done();
    }
  }

  async #login(request: Request): Promise<Reply> {
    if (!this.account.has(request.body.data?.ACCOUNT_NAME)) return NOT_FOUND;
    await pause(this.latency.loginMs, this.#stopping.signal);
    return this.#reception.login(request);
  }

  async #query(request: Request, response: ServerResponse, fault: Fault | undefined): Promise<Reply | undefined> {
    const session = this.sessions.of(request.token);
    const requestId = request.query.get('requestId') ?? '';
    const body = request.body as QueryBody;
    const run = (job: Job) => this.#execution.run(session, body, job);
    if (fault?.kind === 'late')
      return this.#runLate(response, fault.afterMs, () => this.jobs.start(session.id, requestId, run));
    if (fault?.kind === 'rerun') await this.jobs.start(session.id, `${requestId}, first`, run).reply;
    const job = this.jobs.start(session.id, requestId, run);
    if (fault?.kind === 'twice') await this.jobs.start(session.id, requestId, run).reply;
    this.#watch(session, job, response);
    if (fault?.kind === 'slow') {
      this.#slow.set(job.queryId, performance.now() + fault.ms);
      return inProgress(job);
    }
    return this.#inTime(job, this.#progressMs);
  }

  /** Until when a result that is there already is held back. */
  readonly #slow = new Map<string, number>();

  async #runLate(response: ServerResponse, afterMs: number, start: () => Job): Promise<undefined> {
    response.destroy();
    await pause(afterMs, this.#stopping.signal);
    await start().reply;
  }

  /** ABORT_DETACHED_QUERY: a statement whose client has gone is ended after a while. */
  #watch(session: Session, job: Job, response: ServerResponse): void {
    if (session.parameters.get('ABORT_DETACHED_QUERY')?.toLowerCase() !== 'true') return;
    response.once('close', () => {
      if (response.writableFinished || job.finished) return;
      const over = AbortSignal.any([this.#stopping.signal, job.signal]);
      this.#keep(pause(DETACHED_SECONDS * this.suspension.secondMs, over).then(() => job.abort()));
    });
  }

  /** The reply, or, if there is none within `ms`, that there will be. */
  async #inTime(job: Job, ms: number): Promise<Reply> {
    const held = (this.#slow.get(job.queryId) ?? 0) - performance.now();
    const timer = new AbortController();
    const stop = AbortSignal.any([timer.signal, this.#stopping.signal]);
    const late = pause(ms, stop).then(() => inProgress(job));
    late.catch(() => {});
    try {
      await pause(Math.min(held, ms), this.#stopping.signal);
      return await Promise.race([job.reply, late]);
    } finally {
      timer.abort();
    }
  }

  #job({ queryId = '' }: Request): Job {
    const job = this.jobs.ofQuery(queryId);
    if (job === undefined) throw new Refusal('000709', '02000', `Statement ${queryId} not found`);
    return job;
  }

  #abort(request: Request): Reply {
    const session = this.sessions.of(request.token);
    const { requestId } = request.body as { readonly requestId?: string };
    const job = requestId === undefined ? this.#job(request) : this.jobs.ofRequest(session.id, requestId);
    if (job === undefined || job.finished) {
      throw new Refusal('000605', '02000', 'Identified SQL statement is not currently executing.');
    }
    job.abort();
    return done();
  }

  async #status({ queryId = '' }: Request): Promise<Reply> {
    const job = this.jobs.ofQuery(queryId);
    if (job === undefined) return done({ queries: [] });
    if (!job.finished) return done({ queries: [{ status: 'RUNNING' }] });
    return done({ queries: [{ status: (await job.reply).success ? 'SUCCESS' : 'FAILED_WITH_ERROR' }] });
  }
}

/** An account that does not exist: another web server answers. */
const NOT_FOUND: Reply = { success: false };

function inProgress({ queryId }: Job): Reply {
  return {
    success: true,
    code: '333333',
    message: 'Query execution in progress.',
    data: { queryId, getResultUrl: `/queries/${queryId}/result`, queryAbortsAfterSecs: 300 },
  };
}
