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
    .option('--dry-run', 'Show what the cycle would do, and change nothing. Needs --url.')
    .option('--force', 'Run even if another pod leads. A forced cycle does no harm.')
    .option(
      '--wait <duration>',
      'Without --url: repeat the cycle for up to this time, until no silent pod is left.',
      durationValue,
    )
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
A recovery cycle evicts dead pods and makes their steps pending again. The leader of a fleet runs one regularly, and a
new leader runs one at once. Use this command if you do not want to wait for that.

With --url, the pod at that address runs the cycle. It must lead the fleet (see fleet-q leader), or --force is needed.

Without --url, the command joins the fleet for a moment as a pod that handles no steps, runs the cycle, and leaves. If
no other pod is live, it leads the fleet for that moment. A silent pod is declared dead only after it has been watched
for some time; --wait 1m gives the command that time. If the process of a pod on this host has exited, the pod is found
dead at once.

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
    throw new UsageError('--dry-run needs --url: without it the command joins the fleet, and may recover for real');
  return recoverHere(io, flags);
}

async function over(io: Io, { url, store, dryRun, force, wait }: RecoverFlags): Promise<Cycle> {
  if (store !== undefined) throw new UsageError('--store cannot be given with --url: the pod has its own store');
  if (wait !== undefined) throw new UsageError('--wait cannot be given with --url: the pod watches its peers anyway');
  const api = new PodApi(io.env, url === undefined ? {} : { url });
  const body = { dry_run: dryRun === true, force: force === true };
  return (await interruptible((signal) => api.post('/api/recovery/run', body, signal))) as unknown as Cycle;
}
