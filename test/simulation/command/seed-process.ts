/**
 * A child process that runs seeds and plans, one request at a time.
 *
 * Invariants:
 * - If it ends or stays silent for too long, the request fails with {@link SimulationError}, and the next request gets a new process.
 * - After `close()` it is gone, and a request in flight has failed.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Plan, WorldName } from '../plan/plan.js';
import type { Batch, Finding, Judgement, Reply, Request } from './judgement.js';

const KEPT_CHARS = 4_000;
/** A run leaves much garbage and keeps little, so fewer collections of the young generation are faster: by up to a tenth. */
const V8_FLAGS = ['--min-semi-space-size=16', '--max-semi-space-size=64'];

/** The simulation failed: it threw, its process ended, or it did not come to an end. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
}

export interface SeedResult {
  readonly seed: number;
  readonly findings: readonly Finding[];
  /** Why the simulation itself failed. */
  readonly broken?: string;
}

export interface SeedProcessOptions {
  /** A seed that takes longer than this never ends. Default: two minutes. */
  readonly silentMs?: number;
  /** Its environment. Default: this process's. */
  readonly env?: NodeJS.ProcessEnv;
}

export class SeedProcess {
  readonly #file: string;
  readonly #silentMs: number;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #said = (): string => '';
  #isClosed = false;

  constructor(file: string, { silentMs = 120_000, env = process.env }: SeedProcessOptions = {}) {
    this.#file = file;
    this.#silentMs = silentMs;
    this.#env = env;
  }

  /** @param heard is called with each result, in the order of the seeds; `true` ends the process and the request */
  async seeds(batch: Batch, heard: (result: SeedResult) => boolean | undefined): Promise<void> {
    let next = batch.from;
    const end = batch.from + batch.count;
    while (next < end) {
      try {
        const request: Request = { do: 'seeds', ...batch, from: next, count: end - next };
        await this.#ask(request, (reply) => {
          if (reply.is !== 'seed' && reply.is !== 'broken') return false;
          next += 1;
          const findings = reply.is === 'seed' ? reply.findings : [];
          const seed = reply.seed ?? next - 1;
          return heard({ seed, findings, ...(reply.is === 'broken' && { broken: reply.error }) }) === true;
        });
        return;
      } catch (error) {
        if (!(error instanceof SimulationError) || this.#isClosed) throw error;
        next += 1;
        if (heard({ seed: next - 1, findings: [], broken: error.message }) === true) return;
      }
    }
  }

  /** @throws SimulationError */
  async judge(plan: Plan, withTrace = false): Promise<Judgement> {
    const reply = await this.#one({ do: 'plan', plan, withTrace });
    if (reply?.is === 'judged') return reply.judgement;
    throw new SimulationError(reply?.is === 'broken' ? reply.error : 'the plan was not judged');
  }

  /** @throws SimulationError */
  async planOf(world: WorldName, seed: number): Promise<Plan> {
    const reply = await this.#one({ do: 'make', world, seed });
    if (reply?.is === 'made') return reply.plan;
    throw new SimulationError(reply?.is === 'broken' ? reply.error : 'no plan was made');
  }

  /** Ends between two requests, as a process ends that has done its work. */
  async leave(): Promise<void> {
    this.#isClosed = true;
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const exit = once(child, 'exit');
    child.disconnect();
    await exit;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#end();
  }

  async #one(request: Request): Promise<Reply | undefined> {
    let found: Reply | undefined;
    await this.#ask(request, (reply) => {
      found = reply;
      return false;
    });
    return found;
  }

  /** Resolves when the request is done, or `heard` returns `true`. */
  async #ask(request: Request, heard: (reply: Exclude<Reply, { is: 'done' }>) => boolean): Promise<void> {
    if (this.#isClosed) throw new SimulationError('the process is closed');
    const child = (this.#child ??= this.#start());
    const { promise, resolve, reject } = deferred();
    const fail = (why: string): void => reject(new SimulationError(why));
    const late = (): void => fail(`no end within ${Math.round(this.#silentMs / 1_000)} s`);
    let timer = setTimeout(late, this.#silentMs);
    const listener = (reply: Reply): void => {
      clearTimeout(timer);
      timer = setTimeout(late, this.#silentMs);
      if (reply.is === 'done') resolve('done');
      else if (heard(reply)) resolve('enough');
    };
    const ended = (code: number | null, by: string | null): void =>
      fail(`the process ended by itself (${String(code ?? by)})\n${this.#said()}`);
    child.on('message', listener).once('exit', ended);
    try {
      child.send(request);
      if ((await promise) === 'enough') await this.#end();
    } catch (error) {
      await this.#end();
      throw error;
    } finally {
      clearTimeout(timer);
      child.off('message', listener).off('exit', ended);
    }
  }

  #start(): ChildProcess {
    const child = fork(this.#file, {
      ...{ execArgv: V8_FLAGS, env: this.#env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
    });
    this.#said = lastWords(child);
    return child;
  }

  async #end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }
}

/** What is written to stderr must be read, or it would block. Its end shows why a process ended. */
function lastWords({ stderr }: ChildProcess): () => string {
  let kept = '';
  stderr?.setEncoding('utf8').on('data', (text: string) => (kept = (kept + text).slice(-KEPT_CHARS)));
  return () => kept;
}

function deferred() {
  let resolve: (how: 'done' | 'enough') => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<'done' | 'enough'>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}
