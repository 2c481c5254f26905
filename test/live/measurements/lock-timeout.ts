/** How a lock time-out looks. */
import { isBusy } from '../../../src/store/snowflake/session/driver-error.js';
import type { Finding, Measurement } from '../measurement.js';
import { seen } from './errors.js';

const SECONDS = 2;

export const lockTimeout: Measurement = {
  name: 'lock-timeout',
  question: 'With which code, state and text does an UPDATE end that reaches LOCK_TIMEOUT?',
  assumed: 'With an error that fleet-q takes for back-pressure: 000625, or a text that names the lock.',
  minutes: 1,
  async run(account): Promise<Finding> {
    const [holder, waiter] = await account.sessions(2);
    const table = await account.table('held', 'id VARCHAR');
    await holder!.run(`INSERT INTO ${table} (id) SELECT 'a'`);
    await waiter!.run(`ALTER SESSION SET LOCK_TIMEOUT = ${SECONDS}`);
    try {
      const { error, ms } = await account.holding(holder!, `UPDATE ${table} t SET id = 'b'`, () =>
        waiter!.attempt(`UPDATE ${table} t SET id = 'c'`),
      );
      const figures = { ms };
      if (error === undefined) {
        return { verdict: 'differs', answer: 'It did not end with an error: it did not wait for the lock.', figures };
      }
      const evidence = [seen(error)];
      if (isBusy(error))
        return { verdict: 'as assumed', answer: `${error.code} (${error.sqlState})`, evidence, figures };
      return { verdict: 'differs', answer: 'With an error that fleet-q does not recognise.', evidence, figures };
    } finally {
      await waiter!.attempt('ALTER SESSION SET LOCK_TIMEOUT = 90');
    }
  },
};
