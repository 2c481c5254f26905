/** How many statements may wait for the lock of a table, and how the next one ends: for UPDATE and for INSERT. */
import { isBusy } from '../../../src/store/snowflake/session/driver-error.js';
import type { LiveAccount } from '../account.js';
import type { Finding, Measurement } from '../measurement.js';
import type { Attempt } from '../session.js';
import { seen } from './errors.js';

/** Above the limit that is reported: 20. */
const WAITERS = 26;

export const updateWaiters: Measurement = {
  name: 'update-waiters',
  question: `Of ${WAITERS} UPDATEs that wait for one lock, how many are refused, and with which error?`,
  assumed: 'About 20 may wait. The next one ends with 000625, which fleet-q takes for back-pressure.',
  minutes: 3,
  async run(account): Promise<Finding> {
    const table = await account.table('crowded', 'id VARCHAR');
    const { early, all } = await crowd(account, table, () => `UPDATE ${table} t SET id = 'c'`);
    const refused = all.filter(({ error }) => error !== undefined);
    const figures = { waited: all.length - early, refused: refused.length };
    if (refused.length === 0) {
      const answer = `None. ${all.length - early} waited.`;
      const evidence = ['The limit is higher, or the slots of the warehouse are taken first.'];
      return { verdict: 'as assumed', answer, evidence, figures };
    }
    return refusals(refused, figures, `${refused.length}; ${all.length - refused.length} waited.`);
  },
};

export const insertWaiters: Measurement = {
  name: 'insert-waiters',
  question: `Do ${WAITERS} INSERTs wait while an UPDATE holds the table? Is one of as many INSERTs at once refused?`,
  assumed: 'An INSERT waits for no UPDATE. If INSERTs are refused, it is with 000625, which is back-pressure.',
  minutes: 3,
  async run(account): Promise<Finding> {
    const table = await account.table('logged', 'id VARCHAR');
    const insert = (nth: number): string => `INSERT INTO ${table} (id) SELECT 'row-${nth}'`;
    const { early, all } = await crowd(account, table, insert);
    const sessions = await account.sessions(WAITERS + 1);
    const burst = await Promise.all(sessions.slice(1).map((session, nth) => session.attempt(insert(nth))));
    const refused = [...all, ...burst].filter(({ error }) => error !== undefined);
    const figures = { passedTheUpdate: early, refused: refused.length };
    if (refused.length > 0)
      return refusals(refused, figures, `${refused.length} of ${all.length + burst.length} refused.`);
    if (early < all.length) {
      const answer = `${all.length - early} of ${all.length} INSERTs waited for the UPDATE's transaction. None was refused.`;
      return { verdict: 'differs', answer, figures };
    }
    return { verdict: 'as assumed', answer: 'No INSERT waited, and none was refused.', figures };
  },
};

/** Sends a statement from each of many sessions while another one holds the table. */
async function crowd(
  account: LiveAccount,
  table: string,
  statement: (nth: number) => string,
): Promise<{ readonly early: number; readonly all: readonly Attempt[] }> {
  const [holder, ...waiters] = await account.sessions(WAITERS + 1);
  await holder!.run(`INSERT INTO ${table} (id) SELECT 'a'`);
  let [early, ended] = [0, 0];
  const sent = await account.holding(holder!, `UPDATE ${table} t SET id = 'b'`, async () => {
    const attempts = waiters.map((session, nth) =>
      session.attempt(statement(nth)).then((attempt) => {
        ended++;
        if (attempt.error === undefined) early++;
        return attempt;
      }),
    );
    // Until nothing has ended for a while: the rest waits for the lock.
    for (let before = -1; ended > before && ended < attempts.length;) {
      before = ended;
      await account.settle();
    }
    const passed = early;
    await holder!.run('COMMIT');
    return { attempts, passed };
  });
  return { early: sent.passed, all: await Promise.all(sent.attempts) };
}

function refusals(refused: readonly Attempt[], figures: Finding['figures'], answer: string): Finding {
  const errors = refused.map(({ error }) => error!);
  const evidence = [...new Set(errors.map(seen))].slice(0, 3);
  const known = errors.every(isBusy);
  return {
    verdict: known ? 'as assumed' : 'differs',
    answer: known ? answer : `${answer} fleet-q does not recognise the error.`,
    evidence,
    ...(figures && { figures }),
  };
}
