/** `fleet-q stats`: counts of steps, pods and capacity. */
import type { Command } from 'commander';
import type { QueueStats, StatusCounts } from '../../index.js';
import type { Io } from '../io.js';
import { duration } from '../output/duration.js';
import { writeFields } from '../output/fields.js';
import { compact, snakeCase } from '../output/json.js';
import { plural } from '../output/plural.js';
import { formatOption } from '../output/records.js';
import { Table, type Column } from '../output/table.js';
import { storeOption } from '../store-option.js';
import { look, watchOption, type LookFlags } from '../watch.js';

export function define(command: Command, io: Io): void {
  command
    .addOption(storeOption())
    .addOption(formatOption(['table', 'json', 'jsonl']))
    .addOption(watchOption())
    .addHelpText(
      'after',
      `
Examples:
  fleet-q stats --store sqlite:./fleet-q.db
  fleet-q stats --watch 5s
  fleet-q stats -o json | jq .oldest_due_ms`,
    )
    .action((flags: LookFlags) =>
      look(io, flags, async (queue) => {
        const stats = await queue.stats();
        if (flags.output === 'table') await show(io, stats);
        else await io.stdout.line(compact(snakeCase(stats)));
      }),
    );
}

const STATUSES = ['pending', 'claimed', 'completed', 'failed', 'cancelled'] as const satisfies (keyof StatusCounts)[];

const COLUMNS: readonly Column[] = [
  { title: 'TYPE', shrinksTo: 8 },
  ...STATUSES.map((status): Column => ({ title: status.toUpperCase(), align: 'right' })),
];

async function show(io: Io, stats: QueueStats): Promise<void> {
  const capacity = Object.values(stats.podCapacity);
  const sum = (field: 'current' | 'max'): number => capacity.reduce((total, pod) => total + pod[field], 0);
  const due = stats.oldestDueMs === null ? '' : `, the oldest for ${duration(stats.oldestDueMs)}`;
  await writeFields(io, {
    Pods: `${stats.activePods} active, ${stats.asleepPods === 0 ? '' : `${stats.asleepPods} asleep, `}${sum('current')} of ${sum('max')} slots in use`,
    Leader: stats.currentLeader ?? 'none',
    Due: `${plural(stats.dueSteps, 'step')}${due}`,
    ...(stats.unhandledTypes.length === 0 ? {} : { 'No pod handles': stats.unhandledTypes.join(', ') }),
  });
  const total: StatusCounts = {
    pending: stats.pendingSteps,
    claimed: stats.claimedSteps,
    completed: stats.completedSteps,
    failed: stats.failedSteps,
    cancelled: stats.cancelledSteps,
  };
  const counts = (of: StatusCounts) => STATUSES.map((status) => String(of[status]));
  await io.stdout.line('');
  await new Table(io.stdout, io.paint, COLUMNS).write([
    ...Object.entries(stats.stepsByType)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([type, of]) => [type, ...counts(of)]),
    ['total', ...counts(total)],
  ]);
}
