/** How a statement ends whose warehouse does not resume. */
import { Secrets } from '../../../src/store/snowflake/session/secrets.js';
import { storeError } from '../../../src/store/snowflake/session/error-mapping.js';
import type { Finding, Measurement } from '../measurement.js';
import { seen } from './errors.js';

export const noResume: Measurement = {
  name: 'no-resume',
  question: 'With which code, state and text does a statement end whose warehouse does not resume?',
  assumed: 'With an error that fleet-q reports as STORE_NO_WAREHOUSE.',
  minutes: 2,
  async run(account): Promise<Finding> {
    if (!account.mayAlterWarehouse) return { verdict: 'unanswered', answer: 'It needs the flag --alter-warehouse.' };
    if (!account.warehouse.autoResume) return { verdict: 'unanswered', answer: 'AUTO_RESUME is off on the warehouse.' };
    const session = await account.session();
    const table = await account.table('asleep', 'id VARCHAR');
    const { error } = await account.withWarehouse('SET AUTO_RESUME = FALSE', 'SET AUTO_RESUME = TRUE', async () => {
      await account.suspendWarehouse();
      return session.attempt(`SELECT t.id FROM ${table} t WHERE t.id = 'a'`);
    });
    if (error === undefined) return { verdict: 'unanswered', answer: 'The statement ran: the warehouse was running.' };
    const evidence = [seen(error)];
    const mapped = storeError(error, new Secrets()).code;
    if (mapped === 'STORE_NO_WAREHOUSE') return { verdict: 'as assumed', answer: `With ${error.code}.`, evidence };
    return { verdict: 'differs', answer: `With an error that fleet-q reports as ${mapped}.`, evidence };
  },
};
