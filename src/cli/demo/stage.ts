/**
 * Makes a store for one run of the demo, and removes it afterwards.
 *
 * Invariants: the emulator of Snowflake is part of the project's tests, so only a checkout has it. It runs as a process of
 * its own, which ends with the demo, however the demo ends.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Place, StoreName } from './settings.js';

export interface Stage {
  readonly place: Place;
  /** What it is, for the output. */
  readonly what: string;
  /**
   * Resolves with the pod that serves the exchange log, while its UPDATE runs: a pod other than `except`. The UPDATE waits until `goOn`
   * is called. Absent if the pods share no log.
   */
  readonly headOfLog?: (except: string | null) => Promise<HeadOfLog>;
  /** Removes everything. */
  close(): Promise<void>;
}

/** The pod whose UPDATE serves the requests of others. */
export interface HeadOfLog {
  readonly podId: string;
  /** How many others. */
  readonly serves: number;
  /** Lets its UPDATE run. */
  goOn(): void;
}

/** Something is not installed. The message says what to install. */
export class NoStageError extends Error {
  override readonly name = 'NoStageError';
}

/** @throws NoStageError */
export function openStage(store: StoreName, folder: string): Promise<Stage> {
  return store === 'sqlite' ? sqliteStage(folder) : snowflakeStage();
}

async function sqliteStage(folder: string): Promise<Stage> {
  return {
    place: { store: 'sqlite', path: path.join(folder, 'queue.db') },
    what: 'one SQLite file',
    close: async () => {},
  };
}

const CHECKOUT = fileURLToPath(new URL('../../../', import.meta.url));
const EMULATOR = path.join(CHECKOUT, 'test/support/warehouse/bed-process.ts');

/** The first message of the emulator's process. */
type Answer = Omit<Extract<Place, { store: 'snowflake' }>, 'store'> | { readonly noPython: string };

async function snowflakeStage(): Promise<Stage> {
  if (!existsSync(EMULATOR)) throw new NoStageError(ONLY_IN_A_CHECKOUT);
  const child = fork(EMULATOR, [], { cwd: CHECKOUT, execArgv: ['--import', 'tsx'] });
  try {
    const answer = (await nextMessage(child)) as Answer;
    if ('noPython' in answer) throw new NoStageError(answer.noPython);
    return {
      ...{ place: { store: 'snowflake', ...answer }, what: 'an emulated Snowflake' },
      headOfLog: (except) => headOfLog(child, except),
      close: () => end(child),
    };
  } catch (error) {
    await end(child);
    throw error;
  }
}

async function headOfLog(child: ChildProcess, except: string | null): Promise<HeadOfLog> {
  child.send({ except });
  const { head } = (await nextMessage(child)) as { readonly head: Omit<HeadOfLog, 'goOn'> };
  return { ...head, goOn: () => void child.send({}) };
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController();
  const { signal } = ended;
  const exited = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`the emulator of Snowflake exited with code ${String(code)}`);
  });
  try {
    return ((await Promise.race([once(child, 'message', { signal }), exited])) as [unknown])[0];
  } finally {
    ended.abort();
    exited.catch(() => {}); // nobody waits for its exit any more
  }
}

/** The process ends when its channel closes. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (child.connected) child.disconnect();
  await exited;
}

const ONLY_IN_A_CHECKOUT =
  'The demo on Snowflake runs on an emulator, which is not part of the package. Clone the repository of fleet-q, and run\n' +
  'npm ci && npm run demo -- --store snowflake. The demo on SQLite runs here: fleet-q demo';
