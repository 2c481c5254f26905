/** What the commands of the simulation have in common: signals, errors, and the exit code. */
import { ValidationError } from '../../../src/errors.js';

export interface MainParts {
  readonly signal: AbortSignal;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const USAGE_ERROR = 2;
/** The exit code after an interruption. */
export const INTERRUPTED = 130;

/** Sets the exit code to what `work` returns; to 2 for a wrong flag, to 130 after an interruption. */
export async function runMain(work: (args: readonly string[], parts: MainParts) => Promise<number>): Promise<void> {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort());
  const out = (text: string): void => void process.stdout.write(`${text}\n`);
  const err = (text: string): void => void process.stderr.write(`${text}\n`);
  try {
    process.exitCode = await work(process.argv.slice(2), { signal: interrupted.signal, out, err });
  } catch (error) {
    if (interrupted.signal.aborted) process.exitCode = INTERRUPTED;
    else {
      err(error instanceof ValidationError ? error.message : String((error as Error).stack));
      process.exitCode = error instanceof ValidationError ? USAGE_ERROR : 1;
    }
  }
}
