/** `fleet-q leader`: which pod leads the fleet. */
import type { Command } from 'commander';
import type { Io } from '../io.js';
import { duration } from '../output/duration.js';
import { writeFields } from '../output/fields.js';
import { compact, snakeCase } from '../output/json.js';
import { neutral } from '../output/neutral.js';
import { formatOption, type Format } from '../output/records.js';
import { storeOption } from '../store-option.js';
import { look, watchOption, type LookFlags } from '../watch.js';
import type { LeaderReport } from '../../index.js';

export function define(command: Command, io: Io): void {
  command
    .addOption(storeOption())
    .addOption(formatOption())
    .addOption(watchOption())
    .addHelpText(
      'after',
      `
With -o ids, only the id of the leader is printed; nothing if no pod leads.

Examples:
  fleet-q leader
  fleet-q leader -o ids`,
    )
    .action((flags: LookFlags) => look(io, flags, async (queue) => show(io, flags.output, await queue.leader())));
}

async function show(io: Io, format: Format, report: LeaderReport): Promise<void> {
  const { currentLeader, leaderAgeMs, activePods, eligiblePods } = report;
  if (format === 'ids') return currentLeader === null ? undefined : io.stdout.line(neutral(currentLeader));
  if (format !== 'table') return io.stdout.line(compact(snakeCase(report)));
  return writeFields(io, {
    Leader: currentLeader === null ? 'none' : `${currentLeader} (in the fleet for ${duration(leaderAgeMs ?? 0)})`,
    'Active pods': String(activePods),
    'Eligible, oldest first': eligiblePods.length === 0 ? 'none' : eligiblePods.join(', '),
  });
}
