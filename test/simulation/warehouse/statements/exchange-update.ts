/** `exchange.exchange`: the UPDATE that applies the settlements of all requests, and hands out due steps. */
import type { StatementModel, StepRow, View } from '../tables.js';
import { clamped, number, path, tryNumber, varchar } from '../values.js';
import { requestsIn } from './exchange-requests.js';
import { changed, settledIn, type Source } from './exchange-settlements.js';
import { type Pair, pairsOf } from './exchange-sharing.js';

const MOST_SLOTS = 1_000_000;

/** `source` of the texts: one row for each step that the UPDATE will change. */
function sourceOf(view: View, bind: unknown, now: number): readonly Source[] {
  const requests = requestsIn(view, number(path(bind, 'windowMs')), now, path(bind, 'own'));
  const skipped = clamped(tryNumber(path(bind, 'skip')) ?? 0, MOST_SLOTS);
  const stated = requests.flatMap(({ its_incarnation, settlements }) =>
    settlements.map((one) => [its_incarnation, one] as const),
  );
  const claims = pairsOf(view, requests, varchar(path(bind, 'group')), skipped, now).map(claimOf);
  return [...settledIn(view, stated), ...claims];
}

/** One literal, as that of a settlement: an UPDATE of a large fleet has thousands of them. */
function claimOf({ step, request }: Pair): Source {
  return {
    its_step: step.its_step,
    its_row: step.first_id,
    seen: step.seen,
    guard: null,
    becomes: 'claimed',
    its_pod: request.its_pod,
    its_incarnation: request.its_incarnation,
    its_token: request.its_token,
    burn: step.burn,
    crash: step.crash,
    delay_ms: null,
    its_result: null,
    its_error: null,
    settler: null,
  };
}

/** `MEANT` of the texts: whether this is the row that the source means, and stands as the source has read it. */
const isMeant = (t: StepRow, n: Source): boolean =>
  t.row_id === n.its_row &&
  t.version === n.seen &&
  t.status === (n.guard === null ? 'pending' : 'claimed') &&
  (n.guard === null || t.claim_token === n.guard);

/** Every row of the steps of the source is written: the one that is meant anew, all others unchanged. */
export const exchange: StatementModel = (view, { bind, now }) => ({
  rows: [],
  update: sourceOf(view, bind, now).map((n) => ({
    step_id: n.its_step,
    guard: () => true,
    change: (row, at) => (isMeant(row, n) ? changed(row, n, at) : row),
  })),
});
