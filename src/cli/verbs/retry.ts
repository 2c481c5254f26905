/** `fleet-q retry`: makes failed and cancelled steps pending again. */
import type { Command } from 'commander';
import type { Io } from '../io.js';
import { defineStepAction } from '../step-action.js';

const HELP = `
Makes failed and cancelled steps pending again, due now, with their retries restored.
If a step has another status, it is reported on stderr, and the others are handled.

Examples:
  fleet-q retry 0197a2c4-5d1e-7000-8000-000000000001
  fleet-q list --status failed -o ids | fleet-q retry -`;

export function define(command: Command, io: Io): void {
  defineStepAction(command, io, {
    help: HELP,
    run: (queue, stepId) => queue.retry(stepId),
    refused: 'has neither failed nor been cancelled',
  });
}
