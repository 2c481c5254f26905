/** The statements of the naive scheme, and their models. The texts only name them: no warehouse parses them. */
import type { KnownStatement } from '../../warehouse/statements/known-statement.js';
import type { RowUpdate, StatementModel } from '../../warehouse/tables.js';

interface Bind {
  readonly pod: string;
  readonly most: number;
  readonly stepId: string;
}

/** UPDATE … SET status = 'claimed' … FROM (SELECT … WHERE status = 'pending' ORDER BY … LIMIT n) WHERE … status = 'pending' */
const claim: StatementModel = (view, { bind, now }) => {
  const { pod, most } = bind as Bind;
  const update: RowUpdate[] = [];
  for (const { its_step } of view.waitingOf('work').inOrder(now, false)) {
    if (update.length === most) break;
    update.push({
      step_id: its_step,
      guard: ({ status }) => status === 'pending',
      change: (row, at) => ({
        ...row,
        ...{
          status: 'claimed',
          claimed_by: pod,
          claimed_incarnation: pod,
          last_update_ts: at,
          version: row.version + 1,
        },
      }),
    });
  }
  return { rows: [], update };
};

const claimed: StatementModel = (view, { bind }) => {
  const { pod } = bind as Bind;
  return { rows: [...view.claimedBy(pod)].map(({ step_id }) => ({ ID: step_id })) };
};

const settle: StatementModel = (_view, { bind }) => {
  const { pod, stepId } = bind as Bind;
  const update: RowUpdate = {
    step_id: stepId,
    guard: ({ claimed_by, status }) => claimed_by === pod && status === 'claimed',
    change: (row, at) => ({ ...row, status: 'completed', last_update_ts: at, version: row.version + 1 }),
  };
  return { rows: [], update: [update] };
};

const nothing: StatementModel = () => ({ rows: [] });

const STATEMENTS: Readonly<Record<string, KnownStatement>> = {
  heartbeat: { name: 'heartbeat', kind: 'update', table: 'podLog', model: nothing },
  leader: { name: 'leader', kind: 'select', table: undefined, model: nothing },
  claim: { name: 'claim', kind: 'update', table: 'stepTracker', model: claim },
  claimed: { name: 'claimed', kind: 'select', table: undefined, model: claimed },
  settle: { name: 'settle', kind: 'update', table: 'stepTracker', model: settle },
};

export type NaiveStatement = 'heartbeat' | 'leader' | 'claim' | 'claimed' | 'settle';

export function naiveRegistry(text: string): KnownStatement {
  const known = STATEMENTS[text];
  if (known === undefined) throw new Error(`not a statement of the naive scheme: ${text}`);
  return known;
}
