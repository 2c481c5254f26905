/** graphile-worker on PostgreSQL. Settings: https://worker.graphile.org/docs/performance, the preset of its "quick stats". */
import { Logger, makeWorkerUtils, run, type Runner } from 'graphile-worker';
import pg from 'pg';
import { argsOf, inChunks, type Args, type Subject } from '../subjects/subject.js';
import type { Place } from '../support/places.js';

const logger = new Logger(() => () => undefined);
const CHUNK = 5_000;

export async function open({ postgres: connectionString = '' }: Place): Promise<Subject> {
  const preset = {
    worker: {
      connectionString,
      concurrentJobs: 24,
      maxPoolSize: 25,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
      logger,
    },
  };
  const utils = await makeWorkerUtils({ preset });
  await utils.migrate();
  const pool = new pg.Pool({ connectionString, max: 1 });
  let runner: Runner | undefined;
  let added = 0;
  return {
    submit: (args) => {
      added++;
      return utils.addJob('noop', args);
    },
    submitMany: (count) => {
      added += count;
      return inChunks(argsOf(count), CHUNK, (chunk) =>
        utils.addJobs(chunk.map((payload) => ({ identifier: 'noop', payload }))),
      );
    },
    work: async (onStart) => {
      runner = await run({ preset, taskList: { noop: (payload) => onStart(payload as Args) } });
    },
    settled: async () => {
      // A completed job is deleted.
      const { rows } = await pool.query<{ n: string }>('SELECT count(*) AS n FROM graphile_worker._private_jobs');
      return added - Number(rows[0]?.n);
    },
    close: async () => {
      await runner?.stop();
      await utils.release();
      await pool.end();
    },
  };
}
