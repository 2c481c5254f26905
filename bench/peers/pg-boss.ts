/**
 * pg-boss on PostgreSQL. Settings: https://timgit.github.io/pg-boss/api/workers and its types: batches, fetched on while
 * they come full, and LISTEN/NOTIFY to wake an idle worker.
 */
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { argsOf, inChunks, type Args, type Subject } from '../subjects/subject.js';
import type { Place } from '../support/places.js';

const CHUNK = 5_000;
const BATCH = 500;

export async function open({ postgres: connectionString = '' }: Place): Promise<Subject> {
  const boss = new PgBoss({ connectionString, useListenNotify: true });
  boss.on('error', () => undefined);
  await boss.start();
  await boss.createQueue('noop', { notify: true });
  const pool = new pg.Pool({ connectionString, max: 1 });
  return {
    submit: (args) => boss.send('noop', args),
    submitMany: (count) =>
      inChunks(argsOf(count), CHUNK, (chunk) =>
        boss.insert(
          'noop',
          chunk.map((data) => ({ data })),
        ),
      ),
    work: (onStart) =>
      boss.work<Args>(
        'noop',
        { batchSize: BATCH, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 },
        async (jobs) => {
          for (const { data } of jobs) onStart(data);
        },
      ),
    settled: async () => {
      const sql = `SELECT count(*) AS n FROM pgboss.job WHERE state = 'completed'`;
      const { rows } = await pool.query<{ n: string }>(sql);
      return Number(rows[0]?.n);
    },
    close: async () => {
      await boss.stop({ graceful: false });
      await pool.end();
    },
  };
}
