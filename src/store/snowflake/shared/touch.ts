/** Makes a session see the rows of steps as they are: it writes them unchanged, and what it has written it sees at once. */
import { show } from '../../../errors.js';
import { partsOf } from '../binds.js';
import type { Runner } from '../session/session.js';

/** @param statement {@link StepStatements.touch} */
export async function touch(
  session: Runner,
  statement: string,
  steps: readonly { readonly stepId: string }[],
): Promise<void> {
  const stepIds = new Set(steps.map(({ stepId }) => stepId));
  for (const { json } of partsOf([...stepIds], (id) => id, show)) await session.run(statement, json);
}
