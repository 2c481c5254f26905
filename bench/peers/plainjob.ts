/** plainjob, on its own SQLite file. Settings: https://github.com/justplainstuff/plainjob#readme, and its bench/better.ts. */
import Database from 'better-sqlite3';
import { better, defineQueue, defineWorker, JobStatus, type Worker } from 'plainjob';
import type { Args, Subject } from '../subjects/subject.js';
import { argsOf } from '../subjects/subject.js';
import type { Place } from '../support/places.js';

/** The default logger is the console: it would print four lines for each job. */
const silent = () => undefined;
const logger = { error: silent, warn: silent, info: silent, debug: silent };
/** How often an idle worker polls, in ms. The default of 1,000 would make every latency a second. */
const POLL_MS = 10;

export function open({ file, full }: Place): Subject {
  const connection = better(new Database(file));
  const queue = defineQueue({ connection, logger });
  if (full) connection.pragma('synchronous = FULL'); // `defineQueue` sets NORMAL
  let worker: Worker | undefined;
  return {
    submit: (args) => queue.add('noop', args),
    submitMany: (count) => queue.addMany('noop', argsOf(count)),
    work: (onStart) => {
      worker = defineWorker('noop', (job) => onStart(JSON.parse(job.data) as Args), {
        ...{ queue, logger, pollIntervall: POLL_MS },
      });
      void worker.start();
    },
    settled: () => queue.countJobs({ status: JobStatus.Done }),
    close: async () => {
      await worker?.stop();
      queue.close();
    },
  };
}
