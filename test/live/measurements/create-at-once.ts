/** What happens if many pods open at the same instant, and each creates the missing tables. */
import { isThereAlready } from '../../../src/store/snowflake/session/driver-error.js';
import type { Finding, Measurement } from '../measurement.js';
import { seen } from './errors.js';

const SESSIONS = 20;
const ROUNDS = 3;

export const createAtOnce: Measurement = {
  name: 'create-at-once',
  question: `Does CREATE TABLE IF NOT EXISTS fail if ${SESSIONS} sessions send it at once?`,
  assumed: 'It may, with 002002 (already exists): fleet-q then takes the table for created.',
  minutes: 2,
  async run(account): Promise<Finding> {
    const sessions = await account.sessions(SESSIONS);
    const errors = [];
    for (let i = 0; i < ROUNDS; i++) {
      const name = `${account.names.wholeSchema}."AT_ONCE_${i}"`;
      const attempts = await Promise.all(
        sessions.map((session) => session.attempt(`CREATE TRANSIENT TABLE IF NOT EXISTS ${name} (id VARCHAR)`)),
      );
      errors.push(...attempts.flatMap(({ error }) => (error === undefined ? [] : [error])));
    }
    const evidence = [...new Set(errors.map(seen))].slice(0, 3);
    const figures = { failed: errors.length };
    if (errors.length === 0) return { verdict: 'as assumed', answer: 'No.', figures };
    if (errors.every(isThereAlready)) {
      return { verdict: 'as assumed', answer: `${errors.length} of ${SESSIONS * ROUNDS} failed.`, evidence, figures };
    }
    return { verdict: 'differs', answer: 'With an error that fleet-q does not recognise.', evidence, figures };
  },
};
