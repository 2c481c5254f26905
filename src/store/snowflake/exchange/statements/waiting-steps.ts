/** The steps that wait to be claimed, and the order in which they are claimed. */
import type { Names } from '../../table-names.js';
import { cte, typeOf, understood } from '../../statements/fragments.js';

/**
 * The order of claims: priority descending, then due time, then the order of submission (the instant of its statement, then
 * the place in it). The id makes the order total.
 */
export const rank = (alias: string): string =>
  ['prio DESC', 'due_ts', 'made_ts', 'made_at', 'its_step'].map((column) => `${alias}.${column}`).join(', ');

/**
 * The steps of which every row is pending, one row each. The first row stands for the step, with the greatest priority, due
 * time and counts of all its rows.
 *
 * A step may have two rows, because Snowflake has no unique keys. If one of them is claimed or has ended, the step is not
 * waiting: otherwise its pending row would be claimed, and the step would run twice. `burn` and `crash` are what the row
 * lacks to the greatest counts; the claim adds them.
 */
export const waiting = (names: Names): string =>
  cte(
    'waiting',
    `SELECT s.step_id AS its_step, MIN(s.row_id) AS first_id, MIN_BY(s.version, s.row_id) AS seen, MIN_BY(${typeOf('s')}, s.row_id) AS its_type,
    MAX(s.priority) AS prio, MAX(s.run_at) AS due_ts, MAX(s.crashes) AS struck,
    MIN_BY(s.created_ts, s.row_id) AS made_ts, MIN_BY(COALESCE(s.submit_index, 0), s.row_id) AS made_at,
    MAX(s.retry_count) - MIN_BY(s.retry_count, s.row_id) AS burn, MAX(s.crashes) - MIN_BY(s.crashes, s.row_id) AS crash
  FROM ${names.stepTracker} s WHERE ${understood('s')} GROUP BY s.step_id HAVING MIN(s.status) = 'pending' AND MAX(s.status) = 'pending'`,
  );
