/** `fleet-q get`: shows steps in full. */
import type { Command } from 'commander';
import { eachStep } from '../each-step.js';
import type { Io } from '../io.js';
import { UsageError } from '../exit-codes.js';
import { writeFields } from '../output/fields.js';
import { formatOption, recordsOf, type Format, type Records } from '../output/records.js';
import { stepFields, STEP_VIEW } from '../output/step-view.js';
import { storeOption } from '../store-option.js';
import { look, watchOption, type LookFlags } from '../watch.js';
import type { Step } from '../../index.js';

export function define(command: Command, io: Io): void {
  command
    .argument('<step-id...>', 'Ids of steps, or - to read them from standard input, one a line.')
    .addOption(storeOption())
    .addOption(formatOption())
    .addOption(watchOption())
    .addHelpText(
      'after',
      `
With -o json, one id prints one object, and several print { "steps": [...] }.

Examples:
  fleet-q get 0197a2c4-5d1e-7000-8000-000000000001
  fleet-q get --watch 1s 0197a2c4-5d1e-7000-8000-000000000001
  fleet-q list --status failed -o ids | fleet-q get - -o jsonl | jq -r .error.message`,
    )
    .action((ids: string[], flags: LookFlags) => get(io, ids, flags));
}

async function get(io: Io, ids: readonly string[], flags: LookFlags): Promise<void> {
  if (flags.watch !== undefined && ids.includes('-'))
    throw new UsageError('--watch needs ids as arguments: standard input can be read only once');
  const isOne = ids.length === 1 && ids[0] !== '-';
  await look(io, flags, (queue) =>
    eachStep(io, ids, writerOf(io, flags.output, isOne), (stepId) => queue.getStep(stepId)),
  );
}

function writerOf(io: Io, format: Format, isOne: boolean): Records<Step> {
  if (format === 'table') return inFull(io);
  const envelope = isOne ? { open: '', close: '' } : { open: '{"steps":[', close: ']}' };
  return recordsOf(io, isOne && format === 'json' ? 'jsonl' : format, STEP_VIEW, envelope);
}

/** Each step as a block of lines. */
function inFull(io: Io): Records<Step> {
  let isFirst = true;
  return {
    async write(steps) {
      for (const step of steps) {
        if (!isFirst) await io.stdout.line('');
        isFirst = false;
        await writeFields(io, stepFields(step));
      }
    },
    end: async () => undefined,
  };
}
