/** `fleet-q cancel`: makes steps terminal at once. */
import type { Command } from 'commander';
import { StepNotFoundError } from '../../index.js';
import { eachStep } from '../each-step.js';
import { FailedError } from '../exit-codes.js';
import type { Io } from '../io.js';
import { formatOption, recordsOf, type Format } from '../output/records.js';
import { RESULT_VIEW } from '../output/result-view.js';
import { storeOption, withQueue, type StoreFlags } from '../store-option.js';

type Flags = StoreFlags & { readonly output: Format };

export function define(command: Command, io: Io): void {
  command
    .argument('<step-id...>', 'Ids of steps, or - to read them from standard input, one a line.')
    .addOption(storeOption())
    .addOption(formatOption())
    .addHelpText(
      'after',
      `
Makes pending and claimed steps terminal at once. The handler of a claimed step is aborted.
If a step has ended already, it is reported on stderr, and the others are handled.

Examples:
  fleet-q cancel 0197a2c4-5d1e-7000-8000-000000000001
  fleet-q list --status pending --type resize -o ids | fleet-q cancel -`,
    )
    .action((ids: string[], flags: Flags) =>
      withQueue(io, flags, 'existing', (queue) =>
        eachStep(io, ids, recordsOf(io, flags.output, RESULT_VIEW), async (stepId) => {
          const result = await queue.cancel(stepId);
          if (result === 'notFound') throw new StepNotFoundError(stepId);
          if (result === 'alreadyTerminal') throw new FailedError(`step ${stepId} has already ended`);
          return { stepId, result };
        }),
      ),
    );
}
