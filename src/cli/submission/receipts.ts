/** How submitted steps are shown. */
import type { Submitted } from '../../index.js';
import { EXIT, worse } from '../exit-codes.js';
import type { Io } from '../io.js';
import type { View } from '../output/records.js';

export const RECEIPT_VIEW: View<Submitted> = {
  columns: [],
  row: () => [],
  json: ({ stepId, receipt }) => ({ step_id: stepId, receipt }),
  id: ({ stepId }) => stepId,
};

/** Says of steps that are not new what became of them. A step of other args is a failure: nothing was submitted. */
export async function reportReceipts(io: Io, submitted: readonly Submitted[]): Promise<void> {
  for (const { stepId, receipt } of submitted) {
    if (receipt === 'duplicate') await io.complain(`step ${stepId} existed already, and is left as it is`);
    if (receipt !== 'mismatch') continue;
    io.exitCode = worse(io.exitCode, EXIT.failed);
    await io.complain(`step ${stepId} exists with other args or metadata, and is left as it is; nothing was submitted`);
  }
}
