/**
 * The delay of the host's event loop: how late a timer fires while the queue works at full load, submits 100,000 steps,
 * computes its stats over 1,000,000, and removes 1,000,000 that are past their retention. An idle process is measured
 * beside each case: its delay is the machine's.
 */
import { watchLoop, pause, type LoopDelay } from '../support/measure.js';
import { withPlace, type Place } from '../support/places.js';
import type { Report } from '../support/report.js';
import { flood } from '../support/flood.js';
import { Task, together, type Course, type TaskName } from '../support/tasks.js';
import { queueAt, steps } from '../subjects/fleet-q.js';

interface Input {
  readonly place: Place;
  readonly count: number;
}

const task = (name: string): TaskName => ({ module: 'responsiveness', name });

/** Measures until the end of the case. */
export async function idle(_: unknown, { begin, over }: Course) {
  await begin();
  const stop = watchLoop();
  await over;
  return stop();
}

export async function fullLoad({ place, count }: Input, { begin }: Course) {
  let ran = 0;
  let allRan = (): void => undefined;
  const finished = new Promise<void>((resolve) => (allRan = resolve));
  const queue = queueAt(place, () => {
    if (++ran === count) allRan();
  });
  await queue.submitMany(steps(count));
  await begin();
  await queue.start();
  const stop = watchLoop();
  await finished;
  const delay = stop();
  await queue.stop();
  return delay;
}

export async function submitMany({ place, count }: Input, { begin }: Course) {
  const queue = queueAt(place, () => undefined);
  const all = steps(count);
  await queue.stats(); // opens the file
  await begin();
  const stop = watchLoop();
  await queue.submitMany(all);
  const delay = stop();
  await queue.stop();
  return delay;
}

export async function stats({ place, count }: Input, { begin }: Course) {
  await flood(place, count, 'finished');
  const queue = queueAt(place, () => undefined);
  await queue.start();
  await begin();
  const stop = watchLoop();
  for (let i = 0; i < 5; i++) await queue.stats();
  const delay = stop();
  await queue.stop();
  return delay;
}

export async function retention({ place, count }: Input, { begin }: Course) {
  await flood(place, count, 'finished');
  const queue = queueAt(place, () => undefined, { retentionMs: 1_000 });
  await begin();
  await queue.start();
  const stop = watchLoop();
  const endsAt = Date.now() + 60_000;
  while ((await queue.stats()).completedSteps > 0 && Date.now() < endsAt) await pause(500);
  const delay = stop();
  await queue.stop();
  return delay;
}

const CASES = [
  { name: 'fullLoad', title: 'full load', of: 'steps' },
  { name: 'submitMany', title: 'submitMany of many', of: 'steps' },
  { name: 'stats', title: 'stats over a million', of: 'rows' },
  { name: 'retention', title: 'retention over a million', of: 'rows' },
] as const;

/** @param sizes how many steps are run and submitted, and how many finished ones stats and retention read */
export async function responsiveness(report: Report, sizes: { steps: number; rows: number }): Promise<void> {
  let most = 0;
  for (const { name, title, of } of CASES) {
    const [host, beside] = await withPlace({}, async (place) => {
      const measured = new Task(task(name), { place, count: sizes[of] } satisfies Input);
      const results = await together([measured, new Task(task('idle'), {})], () => measured.result);
      return results as [LoopDelay, LoopDelay];
    });
    for (const [subject, delay] of [
      ['fleet-q', host],
      ['idle process', beside],
    ] as const) {
      report.add(`event loop p99, ${title}`, subject, delay.p99, 'ms');
      report.add(`event loop most, ${title}`, subject, delay.most, 'ms');
    }
    if (name === 'fullLoad') report.ratio('eventLoopP99Ms', host.p99);
    most = Math.max(most, host.most - beside.most);
  }
  report.ratio('eventLoopMaxMs', most); // above that of the idle process
}
