/** Submits one step, and waits for its result if asked to. */
import type { StepInput } from '../../index.js';
import type { Io } from '../io.js';
import { compact, indented } from '../output/json.js';
import { recordsOf } from '../output/records.js';
import { withQueue } from '../store-option.js';
import type { SubmitFlags } from './submit-flags.js';
import { RECEIPT_VIEW, reportReceipts } from './receipts.js';

export async function submitOne(io: Io, flags: SubmitFlags, step: StepInput): Promise<void> {
  const { wait, output } = flags;
  await withQueue(io, flags, 'create', async (queue, signal) => {
    const submitted = await queue.submitWithReceipt(step);
    await reportReceipts(io, [submitted]);
    if (wait === undefined) {
      const records = recordsOf(io, output === 'json' ? 'jsonl' : output, RECEIPT_VIEW);
      return records.write([submitted]);
    }
    const timeout = wait === true ? {} : { timeoutMs: wait };
    const result: unknown = await queue.waitFor(submitted.stepId, { signal, ...timeout });
    await io.stdout.line(io.stdout.isTerminal ? indented(result) : compact(result));
  });
}
