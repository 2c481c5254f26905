/** `fleet-q cancel`: makes steps terminal at once. */
import type { Command } from 'commander';
import type { Io } from '../io.js';
import { defineStepAction } from '../step-action.js';

const HELP = `
Makes pending and claimed steps terminal at once. The handler of a claimed step is aborted.
If a step has ended already, it is reported on stderr, and the others are handled.

Examples:
  fleet-q cancel 0197a2c4-5d1e-7000-8000-000000000001
  fleet-q list --status pending --type resize -o ids | fleet-q cancel -`;

export function define(command: Command, io: Io): void {
  defineStepAction(command, io, {
    help: HELP,
    run: (queue, stepId) => queue.cancel(stepId),
    refused: 'has already ended',
  });
}
