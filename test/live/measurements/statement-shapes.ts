/** Whether Snowflake compiles what the library sends, and what the test bed only believes it compiles. */
import { updateBind } from '../../../src/store/snowflake/exchange/request-bind.js';
import type { Finding, Measurement } from '../measurement.js';
import type { Attempt } from '../session.js';
import { seen } from './errors.js';

export const withInUpdate: Measurement = {
  name: 'with-in-update',
  question: 'Does WITH inside UPDATE … FROM ( ) compile, and the UPDATE of an exchange?',
  assumed: 'Yes.',
  minutes: 2,
  async run(account): Promise<Finding> {
    const session = await account.session();
    const statements = await account.store();
    const table = await account.table('shape', 'id VARCHAR, v NUMBER(38,0)');
    const small = await session.attempt(
      `UPDATE ${table} t SET v = n.its_v FROM (WITH q AS (SELECT 'a' AS its_id, 1 AS its_v) SELECT its_id, MAX(its_v) AS its_v FROM q GROUP BY its_id) n WHERE t.id = n.its_id`,
    );
    return compiled([small, await session.attempt(statements.exchange.exchange, emptyExchange())]);
  },
};

export const withInDelete: Measurement = {
  name: 'with-in-delete',
  question: 'Does WITH inside DELETE … USING ( ) compile?',
  assumed: 'Yes.',
  minutes: 1,
  async run(account): Promise<Finding> {
    const session = await account.session();
    const table = await account.table('shape', 'id VARCHAR, v NUMBER(38,0)');
    return compiled([
      await session.attempt(
        `DELETE FROM ${table} USING (WITH q AS (SELECT 'a' AS its_id) SELECT its_id FROM q) n WHERE ${table}.id = n.its_id`,
      ),
    ]);
  },
};

export const maxBy: Measurement = {
  name: 'max-by-variant',
  question: 'Does MAX_BY return a VARIANT?',
  assumed: 'Yes.',
  minutes: 1,
  async run(account): Promise<Finding> {
    const session = await account.session();
    const table = await account.table('variants', 'id VARCHAR, v NUMBER(38,0), payload VARIANT');
    await session.run(`INSERT INTO ${table} (id, v, payload) SELECT 'a', 1, PARSE_JSON('{"kept":true}')`);
    const attempt = await session.attempt(
      `SELECT t.id, MAX_BY(t.payload, t.v) AS newest FROM ${table} t GROUP BY t.id`,
    );
    const newest = JSON.stringify(attempt.rows[0]?.['NEWEST'] ?? null);
    if (attempt.error !== undefined || newest.includes('kept')) return compiled([attempt]);
    return { verdict: 'differs', answer: 'It returns something else.', evidence: [newest] };
  },
};

/** The bind of an exchange in which nothing is settled or claimed. */
export function emptyExchange(token = 'live', free = 0): string {
  const claim = { token, free, prefetch: 0, quarantine: 0 as const, types: new Map([['work', free]]) };
  const pod = { podId: 'live', incarnation: 'live' };
  return updateBind({ pod, claim, token, seq: 1, skip: 0, settlements: '[]' });
}

function compiled(attempts: readonly Attempt[]): Finding {
  const errors = attempts.flatMap(({ error }) => (error === undefined ? [] : [error]));
  if (errors.length === 0) return { verdict: 'as assumed', answer: 'Yes.' };
  return { verdict: 'differs', answer: 'No.', evidence: errors.map(seen) };
}
