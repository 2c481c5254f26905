/** `fleet-q history`: the recovery cycles that a pod has run. */
import type { Command } from 'commander';
import { positiveNumber } from '../input/whole-number.js';
import { interruptible } from '../interruptible.js';
import type { Io } from '../io.js';
import { CYCLE_VIEW, type Cycle } from '../output/cycle-view.js';
import { formatOption, recordsOf, type Format } from '../output/records.js';
import { PodApi, urlOption, type PodFlags } from '../pod-api.js';

type Flags = PodFlags & { readonly limit?: number; readonly output: Format };

export function define(command: Command, io: Io): void {
  command
    .addOption(urlOption())
    .option('-n, --limit <count>', 'At most this many cycles, the newest first. Default: 20.', positiveNumber)
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
Each leader keeps a journal of its own cycles, so the command asks the pod, and not the store.
The token of the API is read from FLEET_Q_API_TOKEN.

Examples:
  fleet-q history --url http://worker-0.worker:8000
  kubectl exec worker-0 -- node node_modules/fleet-q/dist/cli.js history -n 5`,
    )
    .action((flags: Flags) => history(io, flags));
}

async function history(io: Io, flags: Flags): Promise<void> {
  const api = new PodApi(io.env, flags);
  const query = flags.limit === undefined ? '' : `?limit=${flags.limit}`;
  const answer = await interruptible((signal) => api.get(`/api/recovery/history${query}`, signal));
  const records = recordsOf(io, flags.output, CYCLE_VIEW, { open: '{"cycles":[', close: ']}' });
  await records.write((answer['cycles'] ?? []) as readonly Cycle[]);
  await records.end();
}
