/** Defects in texts of SQL that a warehouse runs. The comparison of the models with the texts finds them. */
import type { Mutant } from '../mutant.js';

const EXCHANGE = 'src/store/snowflake/exchange/statements.ts';
const HOUSEKEEPING = 'src/store/snowflake/housekeeping/statements.ts';
const PODS = 'src/store/snowflake/pods/statements.ts';
const STEPS = 'src/store/snowflake/steps/statements.ts';

/** The comparison that finds it. */
const by = (compared: string) => ({ world: 'warehouse', compared }) as const;

export const statementMutants: readonly Mutant[] = [
  {
    name: 'statements: no token in the settlement',
    file: EXCHANGE,
    find: "WHERE t.step_id = n.its_step AND t.claim_token = n.guard AND t.version = n.seen AND t.status = 'claimed'",
    replace: "WHERE t.step_id = n.its_step AND t.version = n.seen AND t.status = 'claimed'",
    why: 'a settlement ends the claim of another row of its step',
    ...by('settle'),
  },
  {
    name: 'statements: no version in the fence',
    file: EXCHANGE,
    find: 't.row_id = n.its_row AND t.version = n.seen AND t.status =',
    replace: 't.row_id = n.its_row AND t.status =',
    why: 'an old source claims or settles a row that has moved on',
    ...by('exchange'),
  },
  {
    name: 'statements: no status guard in the claim',
    file: EXCHANGE,
    find: "AND t.status = IFF(n.guard IS NULL, 'pending', 'claimed') AND",
    replace: 'AND',
    why: 'an old source claims a row that is claimed or has ended',
    ...by('exchange'),
  },
  {
    name: 'statements: the younger of two rows is claimable',
    file: 'src/store/snowflake/exchange/statements/waiting-steps.ts',
    find: 'MIN(s.row_id) AS first_id, MIN_BY(s.version, s.row_id) AS seen,',
    replace: 'MAX(s.row_id) AS first_id, MAX_BY(s.version, s.row_id) AS seen,',
    why: 'two pods hold one step through two rows',
    ...by('exchange'),
  },
  {
    name: 'statements: a step with a claimed row is waiting',
    file: 'src/store/snowflake/exchange/statements/waiting-steps.ts',
    find: "HAVING MIN(s.status) = 'pending' AND MAX(s.status) = 'pending'",
    replace: "HAVING MAX(s.status) = 'pending'",
    why: 'its pending row is claimed beside the other one',
    ...by('exchange'),
  },
  {
    name: 'statements: a claim beside a claimed row is not void',
    file: 'src/store/snowflake/exchange/statements/look.ts',
    find: "IFF(s.row_id = d.first_id AND d.taken = 1, 'first', 'void')",
    replace: "IFF(d.taken >= 1, 'first', 'void')",
    why: 'two pods run one step through two rows',
    ...by('look'),
  },
  {
    name: 'statements: a receipt does not ask who has settled',
    file: 'src/store/snowflake/exchange/statements/receipts.ts',
    find: 's.settled_version = m.seen AND s.settled_by = m.me, 1',
    replace: 's.settled_version = m.seen, 1',
    why: 'what recovery settled is answered "yours" to the old holder',
    ...by('receipts'),
  },
  {
    name: 'statements: a request is served again and again',
    file: 'src/store/snowflake/exchange/statements/served-requests.ts',
    find: '\n  UNION\n  SELECT settled_token FROM ${names.stepTracker} WHERE settled_token IS NOT NULL',
    replace: '',
    why: 'a pod gets steps for a request whose steps it has settled',
    ...by('exchange'),
  },
  {
    name: 'statements: a pod that left is served',
    file: 'src/store/snowflake/exchange/statements/served-requests.ts',
    find: "WHERE event IN ('left', 'evicted')",
    replace: "WHERE event = 'nobody'",
    why: 'its claims are orphans from the start',
    ...by('exchange'),
  },
  {
    name: 'statements: the archive is unloaded by id alone',
    file: HOUSEKEEPING,
    find: 'WHERE step_id = n.id AND version = n.seen AND status IN ${TERMINAL} AND last_update_ts < n.before_ts`',
    replace: 'WHERE step_id = n.id`',
    why: 'a step that was retried is deleted',
    ...by('unload'),
  },
  {
    name: 'statements: housekeeping deletes among pending rows',
    file: HOUSEKEEPING,
    find: "WHERE s.status IN ('claimed', 'completed', 'failed', 'cancelled')) o",
    replace: 'WHERE s.version >= 0) o',
    why: 'two leaders delete both rows of a step',
    ...by('dedupe'),
  },
  {
    name: 'statements: the eviction is not checked again',
    file: PODS,
    find: "AND newest_event <> 'asleep' AND DATEDIFF(millisecond, heard_ts, SYSDATE()) > its_dead_after_ms`",
    replace: "AND newest_event <> 'asleep'`",
    why: 'a leader with an old view evicts a pod that lives',
    ...by('evict'),
  },
  {
    name: 'statements: orphans are judged by silence',
    file: PODS,
    find: 'AND (l.was_evicted = 1 OR l.has_left = 1\n',
    replace:
      'AND (l.was_evicted = 1 OR l.has_left = 1 OR DATEDIFF(millisecond, l.heard_ts, SYSDATE()) > l.its_dead_after_ms\n',
    why: 'a pod that is slow for a moment loses its claims',
    ...by('orphans'),
  },
  {
    name: 'statements: the newest sign is found by time',
    file: 'src/store/snowflake/statements/fragments.ts',
    find: 'MAX_BY(event, seq) AS newest_event,',
    replace: 'MAX_BY(event, at_ts) AS newest_event,',
    why: 'a sign that lands late puts a pod to sleep that works',
    ...by('fleet'),
  },
  {
    name: 'statements: a cancel has no version guard',
    file: STEPS,
    find: "const TO_CANCEL = `t.version = n.seen AND t.status IN ('pending', 'claimed')`",
    replace: "const TO_CANCEL = `t.status IN ('pending', 'claimed')`",
    why: 'a cancel that lands late ends a step that was retried since',
    ...by('cancel'),
  },
  {
    name: 'statements: a retry starts one of several rows',
    file: STEPS,
    find: 'HAVING COUNT(s.step_id) <= 1 OR',
    replace: 'HAVING COUNT(s.step_id) >= 0 OR',
    why: 'a claim of the row that was started is void, and the step never runs',
    ...by('retry'),
  },
  {
    name: 'statements: readers show a cancelled row before a claimed one',
    file: 'src/store/snowflake/statements/fragments.ts',
    find: "WHEN 'cancelled' THEN 3 WHEN 'claimed' THEN 2",
    replace: "WHEN 'cancelled' THEN 2 WHEN 'claimed' THEN 3",
    why: 'a step that reads as cancelled is completed afterwards',
    ...by('find'),
  },
];
