/**
 * Submits the steps that standard input holds, one a line.
 *
 * Invariants:
 * - The ids are printed in the order of the lines, once their batch is stored.
 * - A batch with a line that is not valid is not submitted, and the error names the line.
 */
import { SubmitIncompleteError, ValidationError, type AnyFleetQ, type StepInput, type Submitted } from '../../index.js';
import { UnreachableError, UsageError } from '../exit-codes.js';
import { parsedJson } from '../input/json-value.js';
import { lineBatches, type Line } from '../input/lines.js';
import type { Io } from '../io.js';
import { plural } from '../output/plural.js';
import { recordsOf } from '../output/records.js';
import { withQueue } from '../store-option.js';
import type { SubmitFlags } from './submit-flags.js';
import { RECEIPT_VIEW, reportReceipts } from './receipts.js';

/** More than the largest payload that a queue can be configured to accept. */
const LONGEST_LINE = 20_000_000;

/** The names of the fields in a line, and of the library. */
const FIELDS: Readonly<Record<string, string>> = {
  max_retries: 'maxRetries',
  delay_ms: 'delayMs',
  run_at: 'runAt',
  step_id: 'stepId',
  idempotency_key: 'idempotencyKey',
};

export async function submitLines(io: Io, flags: SubmitFlags): Promise<void> {
  const records = recordsOf(io, flags.output, RECEIPT_VIEW, { open: '{"steps":[', close: ']}' });
  let count = 0;
  await withQueue(io, flags, 'create', async (queue) => {
    try {
      for await (const lines of lineBatches(io.stdin, LONGEST_LINE)) {
        const submitted = await submitBatch(queue, lines);
        count += submitted.length;
        await records.write(submitted);
        await reportReceipts(io, submitted);
      }
    } catch (error) {
      if (count > 0) await io.complain(`submitted before this error: ${plural(count, 'step')}`);
      throw error;
    } finally {
      await records.end();
    }
  });
}

async function submitBatch(queue: AnyFleetQ, lines: readonly Line[]): Promise<readonly Submitted[]> {
  const steps = lines.map(({ text, number }) => stepOf(text, `line ${number}`));
  try {
    return await queue.submitManyWithReceipts(steps);
  } catch (error) {
    throw namingLine(error, lines);
  }
}

function stepOf(text: string, what: string): StepInput {
  const value = parsedJson(text, what);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${what}: expected a JSON object with the fields of a step`);
  const step = Object.fromEntries(
    Object.entries(value).map(([name, field]) => [FIELDS[name] ?? name, field as unknown]),
  );
  const runAt = step['runAt'];
  return { ...step, ...(typeof runAt === 'string' ? { runAt: new Date(runAt) } : {}) } as unknown as StepInput;
}

/** The library names a step by its place in the batch: `steps[3].priority`. */
function namingLine(error: unknown, lines: readonly Line[]): unknown {
  if (error instanceof SubmitIncompleteError) return incomplete(error);
  if (!(error instanceof ValidationError)) return error;
  const [, index] = /^steps\[(\d+)\]/.exec(error.field) ?? [];
  const line = lines[Number(index)];
  if (line === undefined) return error;
  return new UsageError(`line ${line.number}: ${error.message.replace(/^steps\[\d+\]\.?/, '')} (${error.code})`);
}

function incomplete(error: SubmitIncompleteError): unknown {
  const reason = error.cause === undefined ? '' : `: ${(error.cause as Error).message}`;
  const ids = error.stepIds.length === 0 ? '' : `; these were submitted too: ${error.stepIds.join(' ')}`;
  return new UnreachableError(`the store failed${reason}${ids} (${error.code})`);
}
