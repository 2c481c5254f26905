/** `fleet-q recover`: runs a recovery cycle now. */
import type { Command } from 'commander';
import { UsageError } from '../exit-codes.js';
import { interruptible } from '../interruptible.js';
import type { Io } from '../io.js';
import { CYCLE_VIEW, type Cycle } from '../output/cycle-view.js';
import { formatOption, recordsOf } from '../output/records.js';
import { PodApi, urlOption } from '../pod-api.js';
import { recoverHere, type RecoverFlags } from '../recover-here.js';
import { storeOption } from '../store-option.js';
import { durationValue } from '../duration-value.js';

export function define(command: Command, io: Io): void {
  command
    .addOption(urlOption())
    .addOption(storeOption())
    .option('--dry-run', 'Say what would be done, and do nothing. Needs --url.')
    .option('--force', 'Run although another pod leads. A forced cycle does no harm.')
    .option('--wait <duration>', 'Without --url: go on for so long, until no silent pod is left.', durationValue)
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
A recovery cycle declares dead pods dead, and gives their steps back. The leader of a fleet runs one regularly, and a
new leader at once: this command is for those who do not want to wait.

With --url, the pod at that address runs the cycle. It must lead the fleet (see fleet-q leader), or --force is needed.

Without --url, the command joins the fleet for a moment as a pod that handles no steps, runs the cycle, and leaves. If
no other pod is live it leads the fleet for that moment. A silent pod is declared dead only once it has been watched
for some time: --wait 1m takes that time. A pod on this host whose process has exited is found at once.

Examples:
  fleet-q recover --url http://worker-0.worker:8000 --dry-run
  fleet-q recover --store sqlite:./fleet-q.db --wait 30s`,
    )
    .action((flags: RecoverFlags) => recover(io, flags));
}

async function recover(io: Io, flags: RecoverFlags): Promise<void> {
  const cycles = flags.url === undefined ? await here(io, flags) : [await over(io, flags)];
  const records = recordsOf(io, flags.output, CYCLE_VIEW, { open: '{"cycles":[', close: ']}' });
  await records.write(cycles);
  await records.end();
}

function here(io: Io, flags: RecoverFlags): Promise<readonly Cycle[]> {
  if (flags.dryRun === true)
    throw new UsageError('--dry-run needs --url: if no other pod leads, a pod that joins the fleet recovers for real');
  return recoverHere(io, flags);
}

async function over(io: Io, { url, store, dryRun, force, wait }: RecoverFlags): Promise<Cycle> {
  if (store !== undefined) throw new UsageError('--store cannot be given with --url: the pod has its own store');
  if (wait !== undefined) throw new UsageError('--wait cannot be given with --url: the pod watches its peers anyway');
  const api = new PodApi(io.env, url === undefined ? {} : { url });
  const body = { dry_run: dryRun === true, force: force === true };
  return (await interruptible((signal) => api.post('/api/recovery/run', body, signal))) as unknown as Cycle;
}
