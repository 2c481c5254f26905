/**
 * What somebody's SQL writes into the table of steps: steps without the columns that have a default, and payloads, results and errors
 * that this library would not write.
 *
 * Invariants:
 * - All numbers are in range, and every status is known. What becomes of other rows no rule of the checker knows.
 * - Changed errors are put back before the next change, and in the calm.
 */

/** Payloads of steps. A handler gets the args that there are. */
const PAYLOADS = [
  '{}',
  'null',
  '7',
  '[1]',
  '"text"',
  '["trace"]',
  '{"trace":7}',
  '{"type":"plain"}',
  '{"type":"plain","args":{"does":"returns","forMs":5}}',
  '{"args":{"does":"throws","forMs":5},"metadata":7}',
  '{"args":{"does":"fails permanently","forMs":5},"metadata":{"by":"hand"}}',
] as const;

/** What follows is one of three: a change of errors, of results, or a step. */
const WAYS = 3;

/** Errors of steps that have failed. */
const ERRORS = [
  null,
  'no JSON',
  '7',
  '"a text"',
  '{"message":"without a name"}',
  '{"name":"Error","message":"m","code":7,"stack":8,"cause":{"name":"Inner","message":"i"},"errors":[1],"fields":{"name":1,"a":2}}',
  '{"name":"Error","message":"m","cause":9,"errors":"none","fields":"none"}',
] as const;

/** Puts the errors back that were changed: no rule knows of such a change. */
export const UNDO = `
  CREATE TEMP TABLE IF NOT EXISTS BY_HAND (step_id TEXT, error TEXT);
  UPDATE STEP_TRACKER SET error = kept.error FROM BY_HAND AS kept WHERE STEP_TRACKER.step_id = kept.step_id;
  DELETE FROM BY_HAND;`;
const KEEP = `${UNDO}
  INSERT INTO BY_HAND SELECT step_id, error FROM STEP_TRACKER WHERE status = 'failed';`;

/** @param id a number that no other statement has */
export function statementByHand(nth: number, id: number): string {
  const which = Math.floor(nth / WAYS);
  switch (nth % WAYS) {
    case 0:
      return `${KEEP}
        UPDATE STEP_TRACKER SET error = ${quoted(ERRORS[which % ERRORS.length]!)} WHERE status = 'failed'`;
    case 1:
      return `UPDATE STEP_TRACKER SET result = 'no JSON' WHERE status = 'completed'`;
    default: {
      const payload = quoted(PAYLOADS[which % PAYLOADS.length]!);
      return `INSERT INTO STEP_TRACKER (step_id, step_type, payload) VALUES ('sql-${id}', 'plain', ${payload})`;
    }
  }
}

function quoted(text: string | null): string {
  return text === null ? 'NULL' : `'${text}'`;
}
