/**
 * Makes a session see the rows of steps as they are now, however late its reads may be: the rows are written unchanged, and
 * a session sees at once what it has written.
 */
import { show } from '../../errors.js';
import { bindChunks } from './bind-chunks.js';
import type { StatementRunner } from './session/session-interface.js';

/** @param statement {@link StepStatements.refresh} */
export async function refreshRows(
  session: StatementRunner,
  statement: string,
  steps: readonly { readonly stepId: string }[],
): Promise<void> {
  const stepIds = new Set(steps.map(({ stepId }) => stepId));
  for (const { json } of bindChunks([...stepIds], (id) => id, show)) await session.run(statement, json);
}
