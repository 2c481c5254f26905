/** `fleet-q demo`: a fleet of pods, one or two killed, one frozen, and nothing lost. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { playDemo, type DemoOptions } from '../demo/play.js';
import { MOST_PODS, PACES } from '../demo/settings.js';
import { UsageError } from '../exit-codes.js';
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
        (text) => count(FEWEST_FILES, MOST_FILES, text),
      ),
    )
    .option(
      '--pods <number>',
      `How many pods run. Default: ${PACES.sqlite.pods}; with --store snowflake ${PACES.snowflake.pods}.`,
      (text) => count(PACES.sqlite.fewestPods, MOST_PODS, text),
    )
    .option('--json', 'Print the summary as JSON in the last line.', false)
    .addHelpText(
      'after',
      `
The pods, each a process of its own, count the files of the nearest node_modules folder. The demo kills
the leader with SIGKILL, freezes another pod with SIGSTOP until the others have declared it dead, and
resumes it. Then it compares every result with an independent pass. If a step is lost, wrong or settled
twice, the exit code is 1. The demo writes to a temporary folder only. --store snowflake uses an emulator,
and needs a checkout of the project. There the demo first kills the head of the exchange log, the pod whose
UPDATE serves the requests of others.

Examples:
  fleet-q demo
  fleet-q demo --files 2500 --json | tail -1`,
    )
    .action(async (options: DemoOptions) => {
      const { fewestPods } = PACES[options.store];
      if (options.pods !== undefined && options.pods < fewestPods)
        throw new UsageError(
          `--pods: with --store ${options.store}, expected a whole number from ${fewestPods} to ${MOST_PODS}, got ${options.pods}`,
        );
      io.exitCode = await playDemo(options);
    });
}

function count(fewest: number, most: number, text: string): number {
  const number = /^[1-9]\d*$/.test(text) ? Number(text) : NaN;
  if (number >= fewest && number <= most) return number;
  throw new InvalidArgumentError(`Expected a whole number from ${fewest} to ${most}.`);
}
