/** `fleet-q demo`: three pods, one killed, one frozen, and nothing lost. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { playDemo, type DemoOptions } from '../demo/play.js';
import type { Io } from '../io.js';

const FEWEST_FILES = 100;
const MOST_FILES = 1_000_000;

export function define(command: Command, io: Io): void {
  command
    .addOption(
      new Option('--store <store>', 'Where the steps are stored.').choices(['sqlite', 'snowflake']).default('sqlite'),
    )
    .addOption(
      new Option('--files <number>', 'How many files to process. Default: all in a checkout, else 5,000.').argParser(
        count,
      ),
    )
    .option('--json', 'Print the summary as JSON in the last line.', false)
    .addHelpText(
      'after',
      `
Three pods, each a process of its own, count the files of the nearest node_modules folder. The demo kills
the leader with SIGKILL, freezes another pod with SIGSTOP until the others have declared it dead, and
resumes it. Then it compares every result with an independent pass. If a step is lost, wrong or settled
twice, the exit code is 1. The demo writes to a temporary folder only. --store snowflake uses an emulator,
and needs a checkout of the project.

Examples:
  fleet-q demo
  fleet-q demo --files 2500 --json | tail -1`,
    )
    .action(async (options: DemoOptions) => {
      io.exitCode = await playDemo(options);
    });
}

function count(text: string): number {
  const files = /^[1-9]\d*$/.test(text) ? Number(text) : NaN;
  if (files >= FEWEST_FILES && files <= MOST_FILES) return files;
  throw new InvalidArgumentError(`Expected a whole number from ${FEWEST_FILES} to ${MOST_FILES}.`);
}
