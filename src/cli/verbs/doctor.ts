/** `fleet-q doctor`: checks the store and the fleet, and says what to do. */
import type { Command } from 'commander';
import type { Finding } from '../../index.js';
import { EXIT } from '../exit-codes.js';
import type { Io } from '../io.js';
import { snakeCase } from '../output/json.js';
import { neutral } from '../output/neutral.js';
import { plural } from '../output/plural.js';
import { formatOption, recordsOf, type Format, type View } from '../output/records.js';
import { storeOption, withQueue, type StoreFlags } from '../store-option.js';

type Flags = StoreFlags & { readonly output: Format; readonly json?: true };

export function define(command: Command, io: Io): void {
  command
    .addOption(storeOption())
    .addOption(formatOption(['table', 'json', 'jsonl']))
    .option('--json', 'The same as -o json.')
    .addHelpText(
      'after',
      `
Each finding is ok, a warning or a failure. If there is a failure, the exit code is 1; otherwise it is 0.
The checks change nothing, and no secret is printed.

Examples:
  fleet-q doctor --store sqlite:./fleet-q.db
  fleet-q doctor --json | jq '.findings[] | select(.level != "ok")'`,
    )
    .action((flags: Flags) =>
      withQueue(io, flags, 'existing', async (queue) => {
        const findings = await queue.diagnose();
        await show(io, flags, findings);
        if (findings.some(({ level }) => level === 'failure')) io.exitCode = EXIT.failed;
      }),
    );
}

async function show(io: Io, { json, output }: Flags, findings: readonly Finding[]): Promise<void> {
  if (json !== true && output === 'table') return inWords(io, findings);
  const records = recordsOf(io, json === true ? 'json' : output, FINDING_VIEW, { open: '{"findings":[', close: ']}' });
  await records.write(findings);
  await records.end();
}

const FINDING_VIEW: View<Finding> = { columns: [], row: () => [], json: snakeCase, id: ({ check }) => check };

const LEVELS = {
  ok: { text: 'ok', format: 'green' },
  warning: { text: 'warning', format: 'yellow' },
  failure: { text: 'FAILURE', format: 'red' },
} as const;

async function inWords({ stdout, paint }: Io, findings: readonly Finding[]): Promise<void> {
  for (const { check, level, message, why, advice } of findings) {
    const { text, format } = LEVELS[level];
    await stdout.line(`${paint(format, text.padEnd(8))}${neutral(check)}: ${neutral(message)}`);
    if (level === 'ok') continue;
    await stdout.line(`        Why it matters: ${neutral(why)}`);
    if (advice !== null) await stdout.line(`        What to do: ${neutral(advice)}`);
  }
  const count = (wanted: Finding['level']): number => findings.filter(({ level }) => level === wanted).length;
  await stdout.line(
    `\n${count('ok')} ok, ${plural(count('warning'), 'warning')}, ${plural(count('failure'), 'failure')}`,
  );
}
