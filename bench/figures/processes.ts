/** One, two and four processes on one file: the steps a second of all together, and the smallest share of one process. */
import { median, pause } from '../support/measure.js';
import { withPlace, type Place } from '../support/places.js';
import type { Report } from '../support/report.js';
import { Task, together, type Course } from '../support/tasks.js';
import { queueAt, steps } from '../subjects/fleet-q.js';

interface Input {
  readonly place: Place;
  /** How many steps this process submits. It runs any step that it claims. */
  readonly count: number;
}

export async function pod({ place, count }: Input, { begin, over, progress }: Course) {
  let ran = 0;
  const queue = queueAt(place, () => void ran++);
  const all = steps(count);
  await queue.start();
  await begin();
  const timer = setInterval(() => progress(ran), 10);
  await queue.submitMany(all);
  await over;
  clearInterval(timer);
  await queue.stop();
  return ran;
}

interface Run {
  readonly perSecond: number;
  readonly least: number;
}

async function run(processes: number, count: number): Promise<Run> {
  return withPlace({}, async (place) => {
    const name = { module: 'processes', name: 'pod' };
    const input: Input = { place, count: count / processes };
    const tasks = Array.from({ length: processes }, () => new Task(name, input));
    let tookMs = NaN;
    const ran = await together(tasks, async () => {
      const startedAt = performance.now();
      while (tasks.reduce((sum, { done }) => sum + done, 0) < count) await pause(5);
      tookMs = performance.now() - startedAt;
    });
    return { perSecond: (count / tookMs) * 1_000, least: Math.min(...(ran as number[])) / count };
  });
}

export async function processes(report: Report, { count, rounds }: { count: number; rounds: number }): Promise<void> {
  const runs: Record<1 | 2 | 4, Run[]> = { 1: [], 2: [], 4: [] };
  for (let i = 0; i < rounds; i++) {
    for (const processes of [1, 2, 4] as const) runs[processes].push(await run(processes, count));
  }
  for (const processes of [1, 2, 4] as const) {
    const title = `submitted and processed, ${processes} ${processes === 1 ? 'process' : 'processes'}`;
    report.add(title, 'fleet-q', median(runs[processes].map(({ perSecond }) => perSecond)), 'steps/s');
    report.add(`${title}: the least`, 'fleet-q', 100 * median(runs[processes].map(({ least }) => least)), '%');
  }
  const perRound = runs[2].map(({ perSecond }, i) => perSecond / (runs[1][i]?.perSecond ?? NaN));
  report.ratio('twoProcesses', median(perRound));
  report.ratio('twoProcessesLeast', median(runs[2].map(({ least }) => least)));
}
