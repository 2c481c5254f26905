/** What all modelled tables hold: the state before and after a statement. */
import { ModelledTables } from '../tables/modelled-tables.js';
import type { ArchivedRow, PodLogRow, RequestRow, SchemaInfoRow, StepRow } from '../tables.js';

export interface State {
  readonly steps: readonly StepRow[];
  readonly archive: readonly ArchivedRow[];
  readonly requests: readonly RequestRow[];
  readonly podLog: readonly PodLogRow[];
  readonly schemaInfo: readonly SchemaInfoRow[];
}

export const TABLES = ['steps', 'archive', 'requests', 'podLog', 'schemaInfo'] as const satisfies (keyof State)[];

/** The tables of the modelled warehouse with these rows, committed long ago. */
export function tablesWith(state: State): ModelledTables {
  const tables = new ModelledTables();
  const { steps, archive, requests, podLog, schemaInfo } = state;
  const rows = { insertSteps: steps, insertArchived: archive, insertRequests: requests };
  tables.commit({ rows: [], ...rows, insertPodLog: podLog, insertSchemaInfo: schemaInfo }, 0, 0);
  return tables;
}

export function stateOf(tables: ModelledTables): State {
  const view = tables.view(0, Infinity);
  return {
    steps: [...view.allSteps()],
    archive: [...view.allArchived()],
    requests: [...view.requests()],
    podLog: [...view.podLog()],
    schemaInfo: [...view.schemaInfo()],
  };
}
