/** `fleet-q submit`: submits one step, or many as JSON lines. */
import type { Command } from 'commander';
import type { StepInput } from '../../index.js';
import { durationValue, timerValue } from '../duration-value.js';
import { UsageError } from '../exit-codes.js';
import { instantValue } from '../input/instant-value.js';
import { jsonValue } from '../input/json-value.js';
import { wholeNumber } from '../input/whole-number.js';
import type { Io } from '../io.js';
import { formatOption } from '../output/records.js';
import { storeOption } from '../store-option.js';
import type { SubmitFlags } from '../submission/submit-flags.js';
import { submitLines } from '../submission/submit-lines.js';
import { submitOne } from '../submission/submit-one.js';

export function define(command: Command, io: Io): void {
  command
    .argument('[type]', 'The type of the step. Left out with --jsonl.')
    .argument('[args]', 'The args as JSON, @FILE to read them from a file, or - for standard input. Default: none.')
    .addOption(storeOption())
    .option('-m, --metadata <json>', 'Metadata: a JSON object, or @FILE.')
    .option('-p, --priority <number>', 'Higher runs first. Default: 0.', wholeNumber)
    .option('--max-retries <number>', 'How often a failed attempt is retried. Default: 3.', wholeNumber)
    .option('--delay <duration>', 'Not before this time has passed: 500ms, 30s, 5m, 2h, 7d.', durationValue)
    .option('--run-at <instant>', 'Not before this instant: 2026-01-31T08:00:00Z.', instantValue)
    .option('--step-id <id>', 'The id of the step. Default: a new UUID.')
    .option('--idempotency-key <key>', 'Steps of one type and key are one step.')
    .option(
      '--wait [timeout]',
      'Wait until the step ends, and print its result. Default: without a time limit.',
      timerValue,
    )
    .option('--jsonl', 'Read steps from standard input, each a line of JSON.')
    .addOption(formatOption(['ids', 'json', 'jsonl']))
    .addHelpText(
      'after',
      `
Prints the id of the step. With --wait it waits, and prints the result as JSON instead. Ctrl-C ends the wait, not the
step. If the step fails, is cancelled, or does not end in time, the exit code is 1.

A line of --jsonl is a step: {"type":"resize","args":{"width":640},"priority":5}. It may have the fields type, args,
metadata, priority, max_retries, delay_ms, run_at, step_id and idempotency_key. Lines are submitted in batches as they
arrive. Reading stops at the first line that is not valid. The batches before it are submitted, and its batch is not.

If a step of this id or key exists with other args, nothing is submitted, and the exit code is 1.

Examples:
  fleet-q submit resize '{"file":"a.png","width":640}' --priority 5
  fleet-q submit report @args.json --run-at 2026-01-31T08:00:00Z
  fleet-q submit resize '{"width":640}' --wait 1m | jq .rows
  jq -c '.[] | {type: "notify", args: .}' users.json | fleet-q submit --jsonl`,
    )
    .action((type: string | undefined, args: string | undefined, flags: SubmitFlags) => submit(io, type, args, flags));
}

async function submit(io: Io, type: string | undefined, args: string | undefined, flags: SubmitFlags): Promise<void> {
  if (flags.jsonl === true) {
    refuseBesideLines(type, flags);
    return submitLines(io, flags);
  }
  if (type === undefined) throw new UsageError('submit: expected the type of the step, or --jsonl');
  return submitOne(io, flags, await stepOf(io, type, args, flags));
}

/** The step that the command line describes. What its fields may be is for the library to check. */
async function stepOf(io: Io, type: string, args: string | undefined, flags: SubmitFlags): Promise<StepInput> {
  const { metadata, priority, maxRetries, delay, runAt, stepId, idempotencyKey } = flags;
  if (args === '-' && metadata === '-') throw new UsageError('standard input can be read only once');
  const given = {
    args: args === undefined ? undefined : await jsonValue(io, args, 'args'),
    metadata: metadata === undefined ? undefined : await jsonValue(io, metadata, '--metadata'),
    ...{ priority, maxRetries, delayMs: delay, runAt, stepId, idempotencyKey },
  };
  return { type, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) };
}

/** Flags that concern one step, which with `--jsonl` stand in its line. */
const OF_ONE_STEP = [
  ...(['metadata', 'priority', 'maxRetries', 'delay', 'runAt'] as const),
  ...(['stepId', 'idempotencyKey', 'wait'] as const),
];

function refuseBesideLines(type: string | undefined, flags: SubmitFlags): void {
  const given = OF_ONE_STEP.find((name) => flags[name] !== undefined);
  if (type !== undefined) throw new UsageError(`--jsonl: the type is a field of each line, got the argument "${type}"`);
  if (given === undefined) return;
  const flag = given.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
  throw new UsageError(`--${flag} cannot be given with --jsonl; write it into the lines`);
}
