/**
 * Runs the command line: parses it, runs the verb, reports an error, and sets the exit code.
 *
 * Invariants: an error is one line on stderr, without a stack unless `DEBUG` is set. The process ends by itself.
 */
import { CommanderError } from 'commander';
import { describe } from './describe.js';
import { EXIT, exitCodeOf, Interrupted, type ExitCode } from './exit-codes.js';
import { Io } from './io.js';
import { buildProgram } from './program.js';
import { VERBS } from './verb-table.js';

/** @param args the command line after the name of the program */
export async function main(args: readonly string[]): Promise<void> {
  const io = new Io(process);
  try {
    await buildProgram(io).parseAsync(helpFirst(args), { from: 'user' });
    process.exitCode = io.exitCode;
  } catch (error) {
    process.exitCode = await report(error, io);
  } finally {
    io.close();
  }
}

/** `fleet-q help list` is `fleet-q list --help`. Of an unknown verb there is no help: commander then says that it is unknown. */
function helpFirst(args: readonly string[]): readonly string[] {
  const [verb, ...flags] = args[0] === 'help' ? [...args.slice(1, 2), '--help'] : args;
  if (verb === undefined) return [];
  return verb.startsWith('-') || Object.hasOwn(VERBS, verb) ? [verb, ...flags] : [verb];
}

async function report(error: unknown, io: Io): Promise<ExitCode> {
  // Commander has written its message.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (!(error instanceof Interrupted)) await io.complain(describe(error));
  if ((io.env['DEBUG'] ?? '') !== '') await io.stderr.line((error as Error).stack ?? '');
  return exitCodeOf(error);
}
