/**
 * `npm run demo`: runs three pods, kills one, freezes one, and prints a summary of what became of every step.
 *
 * `--store snowflake` uses an emulated Snowflake instead of an SQLite file. `--json` prints the summary as JSON in the last
 * line. `--files N` takes only the first N files. Ctrl-C ends it early, and leaves nothing behind either.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import path from 'node:path';
import { readArguments, UsageError, type Arguments } from './arguments.js';
import { Progress } from './progress.js';
import { NoStageError, openStage } from './stage.js';
import { Story } from './story.js';
import { isGood, textOf } from './summary.js';

/** The signals that end it early. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly code: number;

  constructor(signal: (typeof SIGNALS)[number]) {
    super(`interrupted by ${signal}`);
    this.code = 128 + constants.signals[signal];
  }
}

/** @returns the exit code */
async function play({ store, json, files: most }: Arguments, signal: AbortSignal): Promise<number> {
  const progress = new Progress(json ? process.stderr : process.stdout);
  const folder = await mkdtemp(path.join(tmpdir(), 'fleet-q-demo-'));
  try {
    if (store === 'snowflake')
      progress.print('starting the emulator (the first time, this also sets up its Python environment) …');
    const stage = await openStage(store, folder);
    try {
      const story = new Story({ stage, root: path.resolve('node_modules'), folder, progress, most });
      const summary = await story.run(signal);
      progress.conclude(textOf(summary));
      if (json) process.stdout.write(`${JSON.stringify(summary)}\n`);
      return isGood(summary) ? 0 : 1;
    } finally {
      await stage.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Prints errors that are not the queue's, and throws all others. @returns the exit code */
function excuse(error: unknown, interruption: unknown): number {
  if (interruption instanceof Interrupted) {
    console.error(interruption.message);
    return interruption.code;
  }
  if (!(error instanceof UsageError || error instanceof NoStageError)) throw error;
  console.error(error.message);
  return 1;
}

const interruption = new AbortController();
for (const signal of SIGNALS) process.once(signal, () => interruption.abort(new Interrupted(signal)));
try {
  process.exitCode = await play(readArguments(process.argv.slice(2)), interruption.signal);
} catch (error) {
  process.exitCode = excuse(error, interruption.signal.reason);
}
