/** `fleet-q list`: lists and searches steps. */
import { Option, type Command } from 'commander';
import type { AnyFleetQ, StepFilter } from '../../index.js';
import { UsageError } from '../exit-codes.js';
import { pastValue } from '../input/instant-value.js';
import { positiveNumber } from '../input/whole-number.js';
import type { Io } from '../io.js';
import { formatOption, recordsOf } from '../output/records.js';
import { STEP_VIEW } from '../output/step-view.js';
import { storeOption } from '../store-option.js';
import { look, watchOption, type LookFlags } from '../watch.js';

interface Flags extends LookFlags {
  readonly status?: readonly string[];
  readonly type?: readonly string[];
  readonly claimedBy?: string;
  readonly createdAfter?: Date;
  readonly createdBefore?: Date;
  readonly order: 'oldest' | 'newest';
  readonly limit?: number;
  readonly all?: true;
  readonly after?: string;
}

const LARGEST_PAGE = 1_000;
const TABLE_LIMIT = 100;

const words = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...text.split(',').map((word) => word.trim()),
];
const repeated = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

export function define(command: Command, io: Io): void {
  command
    .addOption(storeOption())
    .option('-s, --status <status>', 'Only steps of this status. Several: repeat it, or separate by commas.', words)
    .option('-t, --type <type>', 'Only steps of this type. Several: repeat it.', repeated)
    .option('--claimed-by <pod-id>', 'Only steps that this pod holds, or held last.')
    .option('--created-after <when>', 'Submitted then or later: an instant, or how long ago, such as 2h.', pastValue)
    .option('--created-before <when>', 'Submitted before then.', pastValue)
    .addOption(new Option('--order <order>', 'By submission.').choices(['oldest', 'newest']).default('oldest'))
    .option(
      '-n, --limit <count>',
      `At most this many. Default: ${TABLE_LIMIT} in a table, else no limit.`,
      positiveNumber,
    )
    .option('-a, --all', 'Without a limit, also in a table.')
    .option('--after <cursor>', 'Continue after this cursor: "next" of an earlier listing with a limit.')
    .addOption(formatOption())
    .addOption(watchOption())
    .addHelpText(
      'after',
      `
Each page is written as soon as it is read, so a listing may have any length.

Examples:
  fleet-q list --status pending,claimed
  fleet-q list --type resize --created-after 2h --order newest
  fleet-q list --status failed -o ids | fleet-q retry -
  fleet-q list --status claimed --watch 5s`,
    )
    .action((flags: Flags) => list(io, flags));
}

async function list(io: Io, flags: Flags): Promise<void> {
  if (flags.all === true && flags.limit !== undefined) throw new UsageError('--all cannot be given with --limit');
  await look(io, flags, (queue, signal) => listing(io, queue, flags, signal));
}

async function listing(io: Io, queue: AnyFleetQ, flags: Flags, signal: AbortSignal): Promise<void> {
  const records = recordsOf(io, flags.output, STEP_VIEW, { open: '{"steps":[', close: '],"next":null}' });
  let left = flags.limit ?? (flags.output === 'table' && flags.all !== true ? TABLE_LIMIT : Infinity);
  let next: string | null | undefined = flags.after;
  do {
    const pageSize = Math.min(left, LARGEST_PAGE);
    const page = await queue.listSteps({ ...filterOf(flags), pageSize }).page(next);
    await records.write(page.steps);
    left -= page.steps.length;
    next = page.next;
  } while (next !== null && left > 0 && !io.stdout.closed && !signal.aborted);
  await records.end(`],"next":${JSON.stringify(next)}}`);
  if (next !== null && left <= 0 && flags.output === 'table' && flags.watch === undefined)
    await io.complain(`there are more steps: --all lists them, and --after ${next} continues here`);
}

function filterOf({ status, type, claimedBy, createdAfter, createdBefore, order }: Flags): StepFilter {
  return {
    order,
    ...(status === undefined ? {} : { status: status as NonNullable<StepFilter['status']> }),
    ...(type === undefined ? {} : { type }),
    ...(claimedBy === undefined ? {} : { claimedBy }),
    ...(createdAfter === undefined ? {} : { createdAfter }),
    ...(createdBefore === undefined ? {} : { createdBefore }),
  };
}
