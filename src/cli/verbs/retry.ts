/** `fleet-q retry`: makes failed and cancelled steps pending again. */
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
Makes failed and cancelled steps pending again, due now, with their retries restored.
If a step has another status, it is reported on stderr, and the others are handled.

Examples:
  fleet-q retry 0197a2c4-5d1e-7000-8000-000000000001
  fleet-q list --status failed -o ids | fleet-q retry -`,
    )
    .action((ids: string[], flags: Flags) =>
      withQueue(io, flags, 'existing', (queue) =>
        eachStep(io, ids, recordsOf(io, flags.output, RESULT_VIEW), async (stepId) => {
          const result = await queue.retry(stepId);
          if (result === 'notFound') throw new StepNotFoundError(stepId);
          if (result === 'notRetryable') throw new FailedError(`step ${stepId} has neither failed nor been cancelled`);
          return { stepId, result };
        }),
      ),
    );
}
