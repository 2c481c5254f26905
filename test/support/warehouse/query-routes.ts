/** The HTTP routes of queries: start, repeat, poll, cancel. */
import type { ServerResponse } from 'node:http';
import type { Execution, QueryBody } from './statement-execution.js';
import type { Fault } from './faults.js';
import type { Request } from './http.js';
import { Jobs, type Job } from './statement-jobs.js';
import { pause, unlessAborted } from './pause.js';
import type { Session, Sessions } from './sessions.js';
import { done, Refusal, type Reply } from './wire-replies.js';

export interface QueryDesk {
  readonly sessions: Sessions;
  readonly execution: Execution;
  /** What has not ended after so long is answered with "in progress". */
  readonly progressMs: number;
  /** How long a query without a client runs on, under ABORT_DETACHED_QUERY. */
  readonly detachedMs: () => number;
}

export class Queries {
  readonly #desk: QueryDesk;
  readonly #jobs = new Jobs();
  /** Until when results that may be there already are held back. */
  readonly #heldUntil = new WeakMap<Job, number>();
  readonly #stopping = new AbortController();

  constructor(desk: QueryDesk) {
    this.#desk = desk;
  }

  /** Runs the request, with its faults. `undefined` if no client waits for the reply. */
  async run(request: Request, response: ServerResponse, fault: Fault | undefined): Promise<Reply | undefined> {
    const session = this.#desk.sessions.of(request.token);
    const id = request.query.get('requestId') ?? '';
    const body = request.body as QueryBody;
    const start = (requestId: string) =>
      this.#jobs.start(session.id, requestId, (job) => this.#desk.execution.run(session, body, job));
    if (fault?.kind === 'late') {
      if (fault.unanswered !== true) response.destroy();
      const { signal } = this.#stopping;
      const due = pause(fault.afterMs ?? 0, signal).then(() => unlessAborted(fault.until, signal));
      await session.outliving(due.then(() => start(id).reply));
      return undefined;
    }
    if (fault?.kind === 'rerun') await this.#runTwice(session, id, body);
    if (fault?.kind === 'twice') await start(id).reply;
    const job = start(id);
    this.#watch(session, job, response);
    if (fault?.kind !== 'slow') return this.#inTime(job);
    this.#heldUntil.set(job, performance.now() + fault.ms);
    return inProgress(job);
  }

  /** The second run is the one that is answered. That of an INSERT sees the data as they were before the first. */
  async #runTwice(session: Session, id: string, body: QueryBody): Promise<void> {
    const { execution } = this.#desk;
    const snapshot = await execution.snapshot(session, body);
    try {
      const first = (job: Job) => execution.run(session, body, job);
      await this.#jobs.start(session.id, `${id}, the first time`, first).reply;
      if (snapshot === undefined) return;
      await this.#jobs.start(session.id, id, (job) => execution.runOn(snapshot, body, job)).reply;
    } finally {
      await snapshot?.close();
    }
  }

  result(request: Request): Promise<Reply> {
    this.#desk.sessions.of(request.token);
    return this.#inTime(this.#named(request));
  }

  abort(request: Request): Reply {
    const session = this.#desk.sessions.of(request.token);
    const { requestId } = request.body as { readonly requestId?: string };
    const job = requestId === undefined ? this.#named(request) : this.#jobs.ofRequest(session.id, requestId);
    if (job === undefined || job.finished) {
      throw new Refusal('000605', '02000', 'Identified SQL statement is not currently executing.');
    }
    job.abort();
    return done();
  }

  async status({ queryId = '' }: Request): Promise<Reply> {
    const job = this.#jobs.ofQuery(queryId);
    if (job === undefined) return done({ queries: [] });
    if (!job.finished) return done({ queries: [{ status: 'RUNNING' }] });
    return done({ queries: [{ status: (await job.reply).success ? 'SUCCESS' : 'FAILED_WITH_ERROR' }] });
  }

  /** Ends all that runs or waits, and resolves when it has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Refusal('000604', '57014', 'The warehouse proxy stops'));
    await this.#jobs.stop();
  }

  /** ABORT_DETACHED_QUERY. */
  #watch(session: Session, job: Job, response: ServerResponse): void {
    if (!session.isOn('ABORT_DETACHED_QUERY')) return;
    response.once('close', () => {
      if (response.writableFinished || job.finished) return;
      const over = AbortSignal.any([this.#stopping.signal, job.ended]);
      pause(this.#desk.detachedMs(), over).then(
        () => job.abort(),
        () => {}, // it has ended by itself
      );
    });
  }

  /** The reply, or a reply that the query is in progress. */
  async #inTime(job: Job): Promise<Reply> {
    const { progressMs } = this.#desk;
    const held = (this.#heldUntil.get(job) ?? 0) - performance.now();
    const timer = new AbortController();
    const late = pause(progressMs, AbortSignal.any([timer.signal, this.#stopping.signal])).then(() => inProgress(job));
    late.catch(() => {}); // the reply was in time
    try {
      await pause(Math.min(held, progressMs), this.#stopping.signal);
      return await Promise.race([job.reply, late]);
    } finally {
      timer.abort();
    }
  }

  #named({ queryId = '' }: Request): Job {
    const job = this.#jobs.ofQuery(queryId);
    if (job === undefined) throw new Refusal('000709', '02000', `Statement ${queryId} not found`);
    return job;
  }
}

function inProgress({ queryId }: Job): Reply {
  return {
    success: true,
    code: '333333',
    message: 'Query execution in progress.',
    data: { queryId, getResultUrl: `/queries/${queryId}/result`, queryAbortsAfterSecs: 300 },
  };
}
