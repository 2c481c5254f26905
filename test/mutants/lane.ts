/**
 * A copy of the project, and the process that runs its tests.
 *
 * Invariants:
 * - If a test file hangs or ends its runner, only that process is lost. The next file gets a new one.
 * - If the runner ends by itself, the test file is run once more. If that happens again, the file has failed.
 * - `close()` leaves no process of the lane and no file of its copy.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Break } from './break.js';
import { Copy } from './copy.js';
import type { Reply, Request } from './host.js';

const HOST = fileURLToPath(new URL('./host.ts', import.meta.url));
const START_MS = 120_000;
const KEPT_CHARS = 4_000;

/** How a test file ended, and after how long. `hung`: it reached the time limit; `crashed`: its runner ended. */
export interface Ended {
  readonly as: 'passed' | 'failed' | 'hung' | 'crashed';
  readonly ms: number;
  readonly failures: Reply;
}

export class Lane {
  readonly #copy: Copy;
  /** The files that changed since the process last read them. */
  readonly #changed = new Set<string>();
  #host: ChildProcess | undefined;
  #said = (): string => '';
  #isClosed = false;

  constructor(project: string) {
    this.#copy = new Copy(project);
  }

  apply(one: Break): void {
    this.#changed.add(this.#copy.apply(one));
  }

  takeBack(): void {
    const changed = this.#copy.takeBack();
    if (changed !== undefined) this.#changed.add(changed);
  }

  /** @throws if the lane is closed, or no process starts */
  async run(test: string, limitMs: number): Promise<Ended> {
    const ended = await this.#run(test, limitMs);
    return ended.as === 'crashed' ? this.#run(test, limitMs) : ended;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#end();
    this.#copy.remove();
  }

  async #run(test: string, limitMs: number): Promise<Ended> {
    const host = (this.#host ??= await this.#start());
    const request: Request = { test: path.join(this.#copy.project, test), changed: [...this.#changed] };
    this.#changed.clear();
    const startedAt = performance.now();
    host.send(request);
    const took = (): number => performance.now() - startedAt;
    try {
      const failures = await answer(host, limitMs);
      if (failures !== undefined) return { as: failures.length === 0 ? 'passed' : 'failed', ms: took(), failures };
      await this.#end();
      return { as: 'hung', ms: took(), failures: [`no end within ${Math.round(limitMs / 1_000)} s`] };
    } catch (error) {
      if (this.#isClosed) throw error;
      await this.#end();
      return { as: 'crashed', ms: took(), failures: [String(error), this.#said()] };
    }
  }

  async #start(): Promise<ChildProcess> {
    if (this.#isClosed) throw new Error('the lane is closed');
    this.#changed.clear(); // a new process has read nothing yet
    const host = fork(HOST, {
      cwd: this.#copy.project,
      execArgv: ['--import', import.meta.resolve('tsx')],
      env: { ...withoutRunner(process.env), TMPDIR: this.#copy.temporary },
      // A process group of its own, so that everything that the tests start can be ended.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#host = host;
    this.#said = lastWords(host);
    const started = await answer(host, START_MS).catch(String);
    if (!Array.isArray(started))
      throw new Error(`the test runner did not start: ${String(started ?? 'no answer')}\n${this.#said()}`);
    return host;
  }

  async #end(): Promise<void> {
    const host = this.#host;
    this.#host = undefined;
    if (host?.pid === undefined) return;
    const exit = host.exitCode === null && host.signalCode === null ? once(host, 'exit') : undefined;
    try {
      process.kill(-host.pid, 'SIGKILL');
    } catch {
      // The whole group has ended already.
    }
    await exit;
  }
}

/** The output of tests must be read, or they would block. Its end shows why a runner ended. */
function lastWords({ stderr }: ChildProcess): () => string {
  let kept = '';
  stderr?.setEncoding('utf8').on('data', (text: string) => (kept = (kept + text).slice(-KEPT_CHARS)));
  return () => kept;
}

/** @returns the process's reply, or nothing after the limit. @throws if the process ends first */
async function answer(host: ChildProcess, limitMs: number): Promise<Reply | undefined> {
  const over = new AbortController();
  const { signal } = over;
  try {
    return await Promise.race([
      once(host, 'message', { signal }).then(([reply]) => reply as Reply),
      once(host, 'exit', { signal }).then(([code, by]) => {
        throw new Error(`the test runner ended by itself (${String(code ?? by)})`);
      }),
      pause(limitMs, undefined, { signal }),
    ]);
  } finally {
    over.abort();
  }
}

/** The environment without the variables of a vitest that started this process. */
function withoutRunner(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isRunners = (name: string): boolean => /^(VITEST|FLEET_Q_TEST_EMULATOR_KEEPER$|NODE_ENV$|TEST$)/.test(name);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isRunners(name)));
}
