/**
 * Fan-out and fan-in: one step makes parts, and their results come together again. In two ways.
 *
 * - `report_by_waiting` waits for its parts in its handler. That is short, and it holds a slot while it waits.
 * - `report_by_counting` submits its parts and returns. Each part leaves a mark in a database of the application. The part
 *   that finds all marks submits `finish_report`.
 *
 * Kill the program at any point and start it again: both reports come out right, and there is no second step of anything.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { defineStep, FleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';

const TEXTS = ['one two', 'three', 'four five six', 'three'];

/** Stands for work. The first attempt at each text of one word fails, to show that a retry does no harm. */
async function wordsOf(text: string, attempt: number, signal: AbortSignal): Promise<number> {
  await sleep(100, undefined, { signal });
  const words = text.split(' ').length;
  if (words === 1 && attempt === 1) throw new Error('the first attempt fails');
  return words;
}

// 1. The parent waits.

const countWords = defineStep({
  type: 'count_words',
  run: ({ text }: { text: string }, ctx) => wordsOf(text, ctx.attempt, ctx.signal),
});

const reportByWaiting = defineStep({
  type: 'report_by_waiting',
  concurrency: 2, // fewer than the slots, so there is always a slot for what it waits for
  async run({ texts }: { texts: string[] }, ctx): Promise<number> {
    // The ids are made from this step's id and the names: if the handler runs again, it finds the same parts.
    const parts = await ctx.submitMany(
      countWords,
      texts.map((text) => ({ text })),
      (_args, at) => ({ name: `part ${at}` }), // two texts may be equal
    );
    const counts = await Promise.all(parts.map((part) => queue.waitFor(part, { signal: ctx.signal })));
    return counts.reduce((sum, count) => sum + count, 0);
  },
});

// 2. The last part goes on.

const marks = new Database('fan-out-marks.db');
marks.exec('CREATE TABLE IF NOT EXISTS mark (report TEXT, part INTEGER, words INTEGER, PRIMARY KEY (report, part))');

const finishReport = defineStep({
  type: 'finish_report',
  run: ({ report }: { report: string }) =>
    marks.prepare<[string], number>('SELECT sum(words) FROM mark WHERE report = ?').pluck().get(report) ?? 0,
});

const countPart = defineStep({
  type: 'count_part',
  async run({ report, part, of, text }: { report: string; part: number; of: number; text: string }, ctx) {
    const words = await wordsOf(text, ctx.attempt, ctx.signal);
    // First the mark, then the count: so the part that leaves its mark last sees all of them. Each is safe to repeat.
    marks.prepare('INSERT OR REPLACE INTO mark VALUES (?, ?, ?)').run(report, part, words);
    const done = marks.prepare<[string], number>('SELECT count(*) FROM mark WHERE report = ?').pluck().get(report);
    // Several parts may see all marks. The key is that of the report, so they submit one step.
    if (done === of) await ctx.submit(finishReport, { report }, { idempotencyKey: report });
  },
});

const reportByCounting = defineStep({
  type: 'report_by_counting',
  async run({ texts }: { texts: string[] }, ctx) {
    const report = ctx.stepId;
    const parts = texts.map((text, part) => ({ report, part, of: texts.length, text }));
    await ctx.submitMany(countPart, parts);
    return { report };
  },
});

const queue = new FleetQ({
  store: sqlite({ path: 'fan-out.db' }),
  concurrency: 4,
  retry: { baseMs: 20 },
  steps: [countWords, reportByWaiting, finishReport, countPart, reportByCounting],
});
queue.on('step:completed', ({ type }) => console.log(`${type} has completed`));
await queue.start();

const monday = { idempotencyKey: 'monday' }; // the same steps, if the program is started again
const waiting = await queue.submit(reportByWaiting, { texts: TEXTS }, monday);
console.log('by waiting:', await queue.waitFor(waiting), 'words');

const counting = await queue.submit(reportByCounting, { texts: TEXTS }, monday);
const { report } = await queue.waitFor(counting);
console.log('by counting:', await resultOf(report), 'words');

/** The result of the step that a part submits some time. */
async function resultOf(report: string): Promise<number> {
  for (;;) {
    for await (const step of queue.listSteps({ type: 'finish_report' }))
      if (step.type === 'finish_report' && step.args.report === report && step.status === 'completed')
        return step.result;
    await sleep(20);
  }
}

const { stepsByType } = await queue.stats();
for (const [type, { completed }] of Object.entries(stepsByType).toSorted()) console.log(`${type}: ${completed}`);
await queue.stop();
marks.close();
