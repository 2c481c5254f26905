/** What a pod that sleeps relies on: the change token and the number of rows need no warehouse, and the token moves. */
import { literal } from '../../../src/store/snowflake/table-names.js';
import type { Finding, Measurement } from '../measurement.js';
import { seen } from './errors.js';

const POLLS = 20;
/** A fleet of ten polls 3,600 times an hour. At this price it would cost as much as a hundredth of an X-Small. */
const COSTLY_POLL_CREDITS = 0.01 / 3_600;

export const changeToken: Measurement = {
  name: 'change-token',
  question: 'Does the change token move with each change? Does an UPDATE of no rows move it?',
  assumed: 'It moves with each change, at once. If an UPDATE of no rows moves it, a pod looks once for nothing.',
  minutes: 1,
  async run(account): Promise<Finding> {
    const [writer, reader] = await account.sessions(2);
    const table = await account.table('token', 'id VARCHAR, v NUMBER(38,0)');
    const read = async (): Promise<string> => {
      const { rows } = await reader!.run(
        `SELECT TO_VARCHAR(SYSTEM$LAST_CHANGE_COMMIT_TIME(${literal(table)})) AS token`,
      );
      return String(rows[0]?.['TOKEN']);
    };
    const movedBy = async (sql: string): Promise<boolean> => {
      const before = await read();
      await writer!.run(sql);
      return (await read()) !== before;
    };
    const inserted = await movedBy(`INSERT INTO ${table} (id, v) SELECT 'a', 1`);
    const changed = await movedBy(`UPDATE ${table} t SET v = 2 WHERE t.id = 'a'`);
    const nothing = await movedBy(`UPDATE ${table} t SET v = 3 WHERE t.id = 'none'`);
    const deleted = await movedBy(`DELETE FROM ${table} WHERE ${table}.id = 'a'`);
    const missed = Object.entries({ INSERT: inserted, UPDATE: changed, DELETE: deleted }).filter(([, moved]) => !moved);
    const zero = `An UPDATE of no rows ${nothing ? 'moves' : 'does not move'} it.`;
    if (missed.length === 0) return { verdict: 'as assumed', answer: `It moves with each change. ${zero}` };
    const names = missed.map(([name]) => name).join(', ');
    return { verdict: 'differs', answer: `It had not moved at once after ${names}. ${zero}` };
  },
};

export const noWarehouse: Measurement = {
  name: 'no-warehouse',
  question: 'Do the change token and an unfiltered COUNT(*) need no warehouse?',
  assumed: 'They need none: a pod that sleeps asks for nothing else.',
  minutes: 2,
  async run(account): Promise<Finding> {
    const rested = account.atRest;
    if (rested !== undefined) {
      const evidence = ['the warehouse was suspended before the check used it, and was asked then'];
      if (rested.answered && isAtRest(rested.stateAfter)) {
        return { verdict: 'as assumed', answer: 'Both need none: the warehouse stayed suspended.', evidence };
      }
      const answer = rested.answered ? `The warehouse was ${rested.stateAfter} afterwards.` : 'They were refused.';
      return { verdict: 'differs', answer, evidence };
    }
    const session = await account.session();
    const { store } = await account.store();
    if (account.mayAlterWarehouse) {
      await account.suspendWarehouse();
      const attempts = [await session.attempt(store.pulse), await session.attempt(store.census)];
      const state = await account.warehouseState(session);
      const errors = attempts.flatMap(({ error }) => (error === undefined ? [] : [seen(error)]));
      const evidence = ['the warehouse was suspended by ALTER WAREHOUSE', `afterwards it was ${state}`, ...errors];
      const none = isAtRest(state) && errors.length === 0;
      return {
        verdict: none ? 'as assumed' : 'differs',
        answer: none ? 'Both need none.' : 'They need one.',
        evidence,
      };
    }
    const ids = [(await session.run(store.pulse)).queryId, (await session.run(store.census)).queryId];
    const recorded = await account.history(session, ids);
    if (recorded === undefined) {
      const answer = 'The warehouse was running. Start with a suspended one, or with --alter-warehouse.';
      return { verdict: 'unanswered', answer };
    }
    const none = recorded.every(({ usedWarehouse }) => !usedWarehouse);
    const evidence = ['WAREHOUSE_SIZE of QUERY_HISTORY'];
    return { verdict: none ? 'as assumed' : 'differs', answer: none ? 'Both need none.' : 'They need one.', evidence };
  },
};

export const pollCost: Measurement = {
  name: 'poll-cost',
  question: 'How many credits of cloud services does one poll of a pod that sleeps cost?',
  assumed: 'Less than 0.000003: ten pods then cost less than a hundredth of a running X-Small.',
  minutes: 1,
  async run(account): Promise<Finding> {
    const session = await account.session();
    const { pulse } = (await account.store()).store;
    const ids: (string | undefined)[] = [];
    for (let i = 0; i < POLLS; i++) ids.push((await session.run(pulse)).queryId);
    const recorded = await account.history(session, ids);
    if (recorded === undefined) {
      return { verdict: 'unanswered', answer: 'QUERY_HISTORY does not show these statements (yet).' };
    }
    const creditsPerPoll = recorded.reduce((sum, { cloudCredits }) => sum + cloudCredits, 0) / recorded.length;
    const verdict = creditsPerPoll <= COSTLY_POLL_CREDITS ? 'as assumed' : 'differs';
    const evidence = [`${recorded.length} polls in QUERY_HISTORY`];
    return { verdict, answer: `${creditsPerPoll.toPrecision(3)} credits`, evidence, figures: { creditsPerPoll } };
  },
};

/** It may still be suspending. */
const isAtRest = (state: string): boolean => state.startsWith('SUSPEND');
