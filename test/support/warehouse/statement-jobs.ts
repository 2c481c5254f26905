/** Running and recent statements, by query id and by requestId: a repeated request finds its first run. */
import { randomUUID } from 'node:crypto';
import { refusals, type Reply } from './wire-replies.js';

export class Job {
  readonly queryId: string = randomUUID();
  readonly session: number;
  readonly requestId: string;
  readonly reply: Promise<Reply>;
  readonly #controller = new AbortController();
  readonly #ended = new AbortController();

  constructor(session: number, requestId: string, run: (job: Job) => Promise<Reply>) {
    this.session = session;
    this.requestId = requestId;
    this.reply = run(this).finally(() => this.#ended.abort());
    this.reply.catch(() => {}); // its caller gets the error
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get finished(): boolean {
    return this.#ended.signal.aborted;
  }

  /** Ends when the job does, however that is. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Ends it as `reason` says, unless it has ended. */
  abort(reason: unknown = refusals.cancelled()): void {
    this.#controller.abort(reason);
  }
}

/** How many ended jobs are remembered. */
const KEPT = 2_000;

export class Jobs {
  readonly #byId = new Map<string, Job>();
  readonly #byRequest = new Map<string, Job>();

  /** Starts `run`, unless this session has sent this request before: then the first is the answer. */
  start(session: number, requestId: string, run: (job: Job) => Promise<Reply>): Job {
    const known = this.ofRequest(session, requestId);
    if (known !== undefined) return known;
    const job = new Job(session, requestId, run);
    this.#byId.set(job.queryId, job);
    this.#byRequest.set(`${session}/${requestId}`, job);
    this.#forget();
    return job;
  }

  ofQuery(queryId: string): Job | undefined {
    return this.#byId.get(queryId);
  }

  ofRequest(session: number, requestId: string): Job | undefined {
    return this.#byRequest.get(`${session}/${requestId}`);
  }

  get running(): readonly Job[] {
    return [...this.#byId.values()].filter((job) => !job.finished);
  }

  /** Ends all that runs, and resolves when it has ended. */
  async stop(): Promise<void> {
    const running = this.running;
    for (const job of running) job.abort();
    await Promise.allSettled(running.map((job) => job.reply));
  }

  #forget(): void {
    for (const job of this.#byId.values()) {
      if (this.#byId.size <= KEPT) return;
      if (!job.finished) continue;
      this.#byId.delete(job.queryId);
      this.#byRequest.delete(`${job.session}/${job.requestId}`);
    }
  }
}
