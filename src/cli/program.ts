/**
 * The command and its verbs, as commander parses them.
 *
 * Invariants: a verb's module is loaded when that verb, or its help, is asked for. `fleet-q --help` loads none, nor the library.
 */
import { Command } from 'commander';
import { VERSION } from '../version.js';
import { EXIT, EXIT_CODES, type ExitCode } from './exit-codes.js';
import type { Io } from './io.js';
import { VERBS } from './verb-table.js';

const DESCRIPTION = `Look at a FLEET-Q task queue, and act on it.

The store is named by --store, or by the FLEET_Q_* variables that the pods use.`;

const EXAMPLES = `
Examples:
  fleet-q demo
  fleet-q stats --store sqlite:./fleet-q.db
  fleet-q list --status failed -o ids | fleet-q retry -

Exit codes:
${exitLines(Object.values(EXIT))}

Run fleet-q <verb> --help for the flags and examples of a verb.`;

/** Builds the command. The verbs have names and summaries; the one that is called is completed when it is parsed. */
export function buildProgram(io: Io): Command {
  const program = new Command('fleet-q')
    .description(DESCRIPTION)
    .version(VERSION, '-V, --version', 'Print the version.')
    .helpOption('-h, --help', 'Show help.')
    .helpCommand(false)
    .usage('<verb> [arguments] [flags]')
    .exitOverride()
    .configureHelp({ showGlobalOptions: false, subcommandTerm: (verb) => verb.name() })
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) })
    .addHelpText('after', EXAMPLES)
    .hook('preSubcommand', (_, verb) => complete(verb, io));
  for (const [name, { summary, group }] of Object.entries(VERBS)) {
    program.command(name).description(summary).helpGroup(group);
  }
  return program;
}

/** Adds everything to a verb that only its own module knows. */
export async function complete(verb: Command, io: Io): Promise<void> {
  const row = VERBS[verb.name()];
  if (row === undefined) return;
  const { define } = await row.load();
  define(verb, io);
  verb.addHelpText('after', `\nExit codes:\n${exitLines(row.exits)}`);
}

function exitLines(codes: readonly ExitCode[]): string {
  return codes.map((code) => `  ${String(code).padEnd(4)} ${EXIT_CODES[code]}`).join('\n');
}

/** Commander writes `error: …`, and its suggestion on a line of its own. */
function oneLine(text: string): string {
  return `${text
    .replace(/^error: /, 'fleet-q: ')
    .trimEnd()
    .replaceAll('\n', ' ')}\n`;
}
