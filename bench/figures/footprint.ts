/** The CPU time of an idle queue, and the memory of a queue with a million pending steps. */
import { hostMs, pause } from '../support/measure.js';
import { flood } from '../support/flood.js';
import { withPlace, type Place } from '../support/places.js';
import type { Report } from '../support/report.js';
import { alone, type Course } from '../support/tasks.js';
import { queueAt } from '../subjects/fleet-q.js';

interface Input {
  readonly place: Place;
  readonly seconds: number;
  /** Pending steps. */
  readonly rows: number;
}

/** The share of a core that a started, idle queue uses. */
export async function idle({ place, seconds }: Input, { begin }: Course) {
  const queue = queueAt(place, () => undefined);
  await queue.start();
  await begin();
  await pause(5_000); // its code is compiled by now, and a few exchanges have found nothing
  const before = process.cpuUsage();
  const since = hostMs();
  await pause(seconds * 1_000);
  const { user, system } = process.cpuUsage(before);
  const share = (user + system) / 1_000 / (hostMs() - since);
  await queue.stop();
  return share;
}

/** Resident memory, in MiB, of a process that works on this many pending steps. */
export async function memory({ place, seconds, rows }: Input, { begin }: Course) {
  if (rows > 0) await flood(place, rows, 'pending');
  const queue = queueAt(place, () => pause(1)); // it works, but so slowly that the number of steps hardly falls
  await begin();
  await queue.start();
  await pause((seconds * 1_000) / 2);
  const mebibytes = process.memoryUsage.rss() / 2 ** 20;
  await queue.stop();
  return mebibytes;
}

export async function footprint(report: Report, { rows, seconds }: { rows: number; seconds: number }): Promise<void> {
  const run = (name: string, pending: number, long = seconds): Promise<number> =>
    withPlace({}, (place) =>
      alone<number>({ module: 'footprint', name }, { place, seconds: long, rows: pending } satisfies Input),
    );
  const share = await run('idle', 0, 3 * seconds); // long enough to include garbage collections
  report.add('idle queue', 'fleet-q', 100 * share, '% of a core');
  report.ratio('idleCpu', share);
  report.add('memory, nothing pending', 'fleet-q', await run('memory', 0), 'MiB');
  report.add('memory, a million pending', 'fleet-q', await run('memory', rows), 'MiB');
}
