/**
 * `fleet-q demo`: runs a fleet of pods, kills one or two, freezes one, and prints a summary of what became of every step.
 *
 * Invariants: whatever ends it, no process and no temporary file is left.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EXIT, exitCodeOf, Interrupted, type ExitCode } from '../exit-codes.js';
import { filesToCount } from './files-to-count.js';
import { Progress } from './progress.js';
import { PACES, type StoreName } from './settings.js';
import { NoStageError, openStage } from './stage.js';
import { Story } from './story.js';
import { isGood, textOf } from './summary.js';

export interface DemoOptions {
  readonly store: StoreName;
  /** Whether to end with the summary as one line of JSON. */
  readonly json: boolean;
  /** How many files are counted. */
  readonly files: number | undefined;
  /** How many pods run. */
  readonly pods: number | undefined;
}

/** The signals that end it early. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @returns the exit code */
export async function playDemo(options: DemoOptions): Promise<ExitCode> {
  const interruption = new AbortController();
  for (const signal of SIGNALS) process.once(signal, () => interruption.abort(new Interrupted(signal)));
  try {
    if (process.platform === 'win32') throw new NoStageError('The demo freezes a process, which Windows cannot do.');
    return await play(options, interruption.signal);
  } catch (error) {
    return explain(error, interruption.signal.reason);
  }
}

async function play(
  { store, json, files, pods = PACES[store].pods }: DemoOptions,
  signal: AbortSignal,
): Promise<ExitCode> {
  const progress = new Progress(json ? process.stderr : process.stdout);
  const toCount = filesToCount(files ?? PACES[store].files);
  const folder = await mkdtemp(path.join(tmpdir(), 'fleet-q-demo-'));
  try {
    if (store === 'snowflake')
      progress.print('starting the emulator (the first time, this also sets up its Python environment) …');
    const stage = await openStage(store, folder);
    try {
      const story = await Story.of({ stage, pods, toCount, folder, progress });
      const summary = await story.run(signal);
      progress.conclude(textOf(summary));
      if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
      return isGood(summary) ? EXIT.ok : EXIT.failed;
    } finally {
      await stage.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Prints errors that are not the queue's, and throws all others. @returns the exit code */
function explain(error: unknown, interruption: unknown): ExitCode {
  if (interruption instanceof Interrupted) {
    process.stderr.write(`${interruption.message}\n`);
    return exitCodeOf(interruption);
  }
  if (!(error instanceof NoStageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  return EXIT.failed;
}
