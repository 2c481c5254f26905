/** Runs a statement over step ids, in as many binds as they need. */
import { show } from '../../../errors.js';
import { bindChunks } from '../bind-chunks.js';
import type { Row, StatementRunner } from '../session/session-interface.js';

export async function queryByIds(
  session: StatementRunner,
  statement: string,
  stepIds: readonly string[],
): Promise<Row[]> {
  const found: Row[] = [];
  for (const { json } of bindChunks([...new Set(stepIds)], (id) => id, show)) {
    found.push(...(await session.run(statement, json)));
  }
  return found;
}

/** A step as errors name it. */
export const stepName = ({ stepId }: { readonly stepId: string }): string => `step ${show(stepId)}`;
