/** The verbs that change each of the named steps: `cancel` and `retry`. */
import type { Command } from 'commander';
import { StepNotFoundError, type AnyFleetQ, type CancelResult, type RetryResult } from '../index.js';
import { eachStep } from './each-step.js';
import { FailedError } from './exit-codes.js';
import type { Io } from './io.js';
import { formatOption, recordsOf, type Format } from './output/records.js';
import { RESULT_VIEW } from './output/result-view.js';
import { storeOption, withQueue, type StoreFlags } from './store-option.js';

type Flags = StoreFlags & { readonly output: Format };

export interface StepAction {
  /** What the verb does, and examples. */
  readonly help: string;
  readonly run: (queue: AnyFleetQ, stepId: string) => Promise<CancelResult | RetryResult>;
  /** The state of a step that is refused: the end of "step s-1 …". */
  readonly refused: string;
}

export function defineStepAction(command: Command, io: Io, { help, run, refused }: StepAction): void {
  command
    .argument('<step-id...>', 'Ids of steps, or - to read them from standard input, one a line.')
    .addOption(storeOption())
    .addOption(formatOption())
    .addHelpText('after', help)
    .action((ids: string[], flags: Flags) =>
      withQueue(io, flags, 'existing', (queue) =>
        eachStep(io, ids, recordsOf(io, flags.output, RESULT_VIEW), async (stepId) => {
          const result = await run(queue, stepId);
          if (result === 'notFound') throw new StepNotFoundError(stepId);
          if (result === 'alreadyTerminal' || result === 'notRetryable')
            throw new FailedError(`step ${stepId} ${refused}`);
          return { stepId, result };
        }),
      ),
    );
}
