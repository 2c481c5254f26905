/**
 * BullMQ on Redis. Settings: https://docs.bullmq.io/guide/workers/concurrency (50), adding in bulk
 * (https://docs.bullmq.io/guide/queues/adding-bulks), auto-removal (https://docs.bullmq.io/guide/queues/auto-removal-of-jobs),
 * and of the server https://docs.bullmq.io/guide/going-to-production.
 */
import { Queue, Worker } from 'bullmq';
import { argsOf, inChunks, type Args, type Subject } from '../subjects/subject.js';
import type { Place } from '../support/places.js';

const CHUNK = 1_000;
const CONCURRENCY = 50;

export async function open({ redisPort: port = 0, name }: Place): Promise<Subject> {
  const connection = { host: '127.0.0.1', port, maxRetriesPerRequest: null };
  const queue = new Queue(name, { connection, defaultJobOptions: { removeOnComplete: true } });
  await queue.waitUntilReady();
  let worker: Worker | undefined;
  let settled = 0;
  return {
    submit: (args) => queue.add('noop', args),
    submitMany: (count) =>
      inChunks(argsOf(count), CHUNK, (chunk) => queue.addBulk(chunk.map((data) => ({ name: 'noop', data })))),
    work: async (onStart) => {
      worker = new Worker(name, async (job) => onStart(job.data as Args), { connection, concurrency: CONCURRENCY });
      worker.on('completed', () => settled++);
      await worker.waitUntilReady();
    },
    settled: () => settled,
    close: async () => {
      await worker?.close();
      await queue.close();
    },
  };
}
