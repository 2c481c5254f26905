/** `fleet-q pods`: the pods of the fleet. */
import type { Command } from 'commander';
import type { PodReport } from '../../index.js';
import type { Io } from '../io.js';
import { duration } from '../output/duration.js';
import { snakeCase } from '../output/json.js';
import { formatOption, recordsOf, type View } from '../output/records.js';
import type { Cell } from '../output/table.js';
import { storeOption } from '../store-option.js';
import { look, watchOption, type LookFlags } from '../watch.js';

export function define(command: Command, io: Io): void {
  command
    .addOption(storeOption())
    .addOption(formatOption())
    .addOption(watchOption())
    .addHelpText(
      'after',
      `
STATE is live, asleep or silent. A pod is silent if its last heartbeat is older than its time limit. SEEN is the time
since that heartbeat. Pods that have left are not listed.

Examples:
  fleet-q pods
  fleet-q pods --watch
  fleet-q pods -o json | jq -r '.pods[] | select(.live | not) | .pod_id'`,
    )
    .action((flags: LookFlags) =>
      look(io, flags, async (queue) => {
        const records = recordsOf(io, flags.output, POD_VIEW, { open: '{"pods":[', close: ']}' });
        await records.write(await queue.pods());
        await records.end();
      }),
    );
}

function stateOf({ live, asleep }: PodReport): Cell {
  if (asleep) return { text: 'asleep', format: 'gray' };
  return live ? { text: 'live', format: 'green' } : { text: 'silent', format: 'red' };
}

const POD_VIEW: View<PodReport> = {
  columns: [
    { title: 'POD', shrinksTo: 12 },
    { title: 'STATE' },
    { title: 'LEADS' },
    { title: 'ELIGIBLE', dropped: 3 },
    { title: 'RUNNING', align: 'right' },
    { title: 'AGE', align: 'right', dropped: 4 },
    { title: 'SEEN', align: 'right' },
    { title: 'VERSION', dropped: 2 },
    { title: 'TYPES', shrinksTo: 8, dropped: 1 },
  ],
  row: (pod) => [
    pod.podId,
    stateOf(pod),
    pod.isLeader ? 'yes' : '',
    pod.eligible ? 'yes' : 'no',
    `${pod.running}/${pod.slots}`,
    duration(pod.ageMs),
    duration(pod.silentForMs),
    pod.version ?? '',
    pod.types === null ? 'too many to list' : pod.types.join(','),
  ],
  json: snakeCase,
  id: ({ podId }) => podId,
};
