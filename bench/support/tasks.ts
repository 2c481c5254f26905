/**
 * Tasks: each measurement runs in a process of its own, so that the next one starts clean.
 *
 * A task prepares, reports that it is ready, and begins when all tasks of its group are ready. So the preparation is not
 * measured. Some tasks run until they get a message that the case is over.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { newerNode } from './newer-node.js';

/** What a task gets from its parent. */
export interface Course {
  /** Resolves when all tasks of the group are ready. */
  readonly begin: () => Promise<void>;
  /** Resolves when it is over. */
  readonly over: Promise<void>;
  /** Reports how many were done so far. */
  readonly progress: (done: number) => void;
}

/** A module of `figures` whose exports are tasks, and which of them. */
export interface TaskName {
  readonly module: string;
  readonly name: string;
}

type Message =
  | { readonly kind: 'ready' }
  | { readonly kind: 'begin' }
  | { readonly kind: 'over' }
  | { readonly kind: 'progress'; readonly done: number }
  | { readonly kind: 'result'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: string };

const RUNNER = fileURLToPath(new URL('run-task.ts', import.meta.url));
const TSCONFIG = fileURLToPath(new URL('../tsconfig.run.json', import.meta.url));

export class Task {
  readonly ready: Promise<void>;
  readonly result: Promise<unknown>;
  done = 0;
  readonly #process: ChildProcess;

  constructor({ module, name }: TaskName, input: unknown, nodePath = process.execPath) {
    this.#process = fork(RUNNER, [module, name, JSON.stringify(input)], {
      execPath: nodePath,
      execArgv: ['--import', 'tsx'],
      env: { ...process.env, TSX_TSCONFIG_PATH: TSCONFIG, NODE_ENV: 'production' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const heard = <K extends Message['kind']>(kind: K): Promise<Extract<Message, { kind: K }>> =>
      new Promise((resolve, reject) => {
        this.#process.on('message', (message: Message) => {
          if (message.kind === kind) resolve(message as Extract<Message, { kind: K }>);
          else if (message.kind === 'failed') reject(new Error(`${module}, ${name}: ${message.error}`));
        });
        this.#process.once('exit', (code) => reject(new Error(`${module}, ${name}: ended with code ${code}`)));
      });
    this.#process.on('message', (message: Message) => {
      if (message.kind === 'progress') this.done = message.done;
    });
    this.ready = heard('ready').then(() => undefined);
    this.result = heard('result').then(({ value }) => value);
    for (const promise of [this.ready, this.result]) promise.catch(() => undefined); // a caller that awaits it sees the rejection
  }

  say(kind: 'begin' | 'over'): void {
    if (this.#process.connected) this.#process.send({ kind } satisfies Message, () => undefined); // it may just have ended
  }

  /** Resolves when the process is gone. */
  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 5_000);
    await gone;
    clearTimeout(timer);
  }
}

/** Starts tasks together. @returns their results when `until` has resolved; without it, when each has ended */
export async function together(tasks: readonly Task[], until?: () => Promise<unknown>): Promise<unknown[]> {
  try {
    await Promise.all(tasks.map(({ ready }) => ready));
    for (const task of tasks) task.say('begin');
    await until?.();
    if (until !== undefined) for (const task of tasks) task.say('over');
    return await Promise.all(tasks.map(({ result }) => result));
  } finally {
    for (const task of tasks) task.say('over');
    await Promise.all(tasks.map((task) => task.end()));
  }
}

/** Runs one task alone. */
export async function alone<T>(name: TaskName, input: unknown, newer = false): Promise<T> {
  const [result] = await together([new Task(name, input, newer ? newerNode() : undefined)]);
  return result as T;
}
