/** What the tables of the library rely on: NOT NULL, and functions as defaults of columns. */
import type { Finding, Measurement } from '../measurement.js';
import { seen } from './errors.js';

export const notNull: Measurement = {
  name: 'not-null-check',
  question: 'Does INSERT … SELECT … WHERE FALSE check NOT NULL, though it inserts nothing?',
  assumed: 'It may. So the probe of the store names every NOT NULL column without a default.',
  minutes: 1,
  async run(account): Promise<Finding> {
    const session = await account.session();
    const table = await account.table('strict', 'id VARCHAR NOT NULL, v NUMBER(38,0)');
    const { error } = await session.attempt(`INSERT INTO ${table} (v) SELECT 1 WHERE FALSE`);
    if (error === undefined) return { verdict: 'as assumed', answer: 'No: it succeeds.' };
    return { verdict: 'as assumed', answer: 'Yes.', evidence: [seen(error)] };
  },
};

export const columnDefaults: Measurement = {
  name: 'column-defaults',
  question: 'May UUID_STRING() and SYSDATE() be defaults of columns, in CREATE TABLE and in ADD COLUMN?',
  assumed: 'In CREATE TABLE: yes. In ADD COLUMN: no, so migrations add columns without a default.',
  minutes: 1,
  async run(account): Promise<Finding> {
    const session = await account.session();
    const name = `${account.names.wholeSchema}."DEFAULTS"`;
    const create = await session.attempt(
      `CREATE TRANSIENT TABLE ${name} (id VARCHAR NOT NULL DEFAULT UUID_STRING(), made_ts TIMESTAMP_NTZ NOT NULL DEFAULT SYSDATE(), v NUMBER(38,0))`,
    );
    if (create.error !== undefined) {
      return { verdict: 'differs', answer: 'CREATE TABLE refuses them.', evidence: [seen(create.error)] };
    }
    await session.run(`INSERT INTO ${name} (v) SELECT 1`);
    const { rows } = await session.run(
      `SELECT COUNT(t.id) AS ids, COUNT(t.made_ts) AS times FROM ${name} t WHERE t.v = 1`,
    );
    if (Number(rows[0]?.['IDS']) !== 1 || Number(rows[0]?.['TIMES']) !== 1) {
      return { verdict: 'differs', answer: 'CREATE TABLE accepts them, but an INSERT leaves the columns empty.' };
    }
    const added = [
      await session.attempt(`ALTER TABLE ${name} ADD COLUMN other_id VARCHAR DEFAULT UUID_STRING()`),
      await session.attempt(`ALTER TABLE ${name} ADD COLUMN other_ts TIMESTAMP_NTZ DEFAULT SYSDATE()`),
    ];
    const refused = added.flatMap(({ error }) => (error === undefined ? [] : [seen(error)]));
    const inAlter = refused.length === 0 ? 'both accepted' : `${refused.length} of 2 refused`;
    return { verdict: 'as assumed', answer: `CREATE TABLE: yes. ADD COLUMN: ${inAlter}.`, evidence: refused };
  },
};
