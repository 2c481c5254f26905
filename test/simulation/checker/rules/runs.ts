/** Which handlers run: for whose claim, how often, and when not. */
import type { PlacedEvent, ProcessTrail, Run, StepTrail } from '../index/trails.js';
import { wasFaulty } from '../index/faults.js';
import type { Rule } from '../rule.js';

export const runsForAClaim: Rule = {
  name: 'a run has its claim',
  says: 'A handler begins only under a claim that the store gave to an incarnation of its process, of a type that the process handles, with the attempt of that claim, and once for each claim.',
  check(index, report) {
    for (const run of index.runs.values()) {
      const { claim, began, step, process } = run;
      const about = aboutRun(run);
      if (claim === undefined) {
        report('a handler began without a claim', about, began);
        continue;
      }
      const attempt = claim.state.retryCount + 1;
      if (began.entry.attempt !== attempt)
        report(`began as attempt ${began.entry.attempt}; its claim is attempt ${attempt}`, about, claim.made, began);
      if (claim.runs[0] !== run)
        report('a second handler of one claim', about, claim.made, claim.runs[0]?.began, began);
      const types = process.settings?.types;
      if (types !== undefined && !types.includes(claim.state.type))
        report(
          `of type ${claim.state.type}, which the process does not handle`,
          { ...about, stepId: step.stepId },
          began,
        );
    }
  },
};

export const runsWhatItHolds: Rule = {
  name: 'a pod runs what it holds',
  says: 'A handler begins while its claim still holds, unless the step was cancelled, or a fault kept its process from learning that it no longer does; never under an incarnation that was evicted; where a read may miss the eviction, never under one that was evicted longer ago than its next heartbeats take.',
  check(index, report, { faultEchoMs, clockSlackMs, latenessMs, workMs }) {
    // Where the clocks have parted, a pod may be evicted just after it was heard.
    const isParted = (process: ProcessTrail): boolean => clockSlackMs > (process.settings?.deadAfterMs ?? Infinity);
    for (const run of index.runs.values()) {
      const { claim, began, process } = run;
      if (claim === undefined) continue;
      const { life, ended } = claim;
      const about = aboutRun(run);
      const { evicted } = life ?? {};
      const learnsMs = latenessMs + workMs === 0 ? 0 : latenessMs + workMs + (process.settings?.deadAfterMs ?? 0);
      const isOut = evicted !== undefined && evicted.index < began.index && began.at - evicted.at >= learnsMs;
      if (isOut && !isParted(process))
        report('a handler began under an evicted incarnation', about, claim.made, evicted, began);
      else if (ended !== undefined && ended.index < began.index && ended.after?.status !== 'cancelled')
        if (!wasFaulty(index, process, ended.at - faultEchoMs, began.at))
          report('a handler began after its claim had ended', about, claim.made, ended, began);
    }
  },
};

export const fencedStartsNothing: Rule = {
  name: 'a fenced pod starts nothing',
  says: 'After `pod:fenced` a process starts no handler, until a heartbeat is answered or its next incarnation joins; after a permanent fence, never.',
  check(index, report) {
    for (const process of index.processes.values()) {
      const [events, runs] = [process.events, process.runs];
      if (runs.length === 0 || !events.some(({ entry }) => entry.name === 'pod:fenced')) continue;
      let next = 0;
      let fence: PlacedEvent | undefined;
      for (const run of runs) {
        for (let event = events[next]; event !== undefined && event.index < run.began.index; event = events[++next]) {
          if (event.entry.name === 'pod:fenced') {
            if (fence?.entry.fields.recoverable !== false) fence = event;
          } else if (fence !== undefined && endsFence(event, fence, process)) fence = undefined;
        }
        if (fence === undefined) continue;
        // What ends the fence may be emitted after the handler that it lets begin, at the same instant.
        const after = events[next];
        if (after?.at === run.began.at && endsFence(after, fence, process)) continue;
        report(`began while fenced: ${String(fence.entry.fields.reason)}`, aboutRun(run), fence, run.began);
      }
    }
  },
};

export const sleeperStartsNothing: Rule = {
  name: 'a sleeping pod runs nothing',
  says: 'Between `pod:asleep` and `pod:awake` a process runs no handler.',
  check(index, report) {
    for (const { events, runs, name } of index.processes.values()) {
      for (const [i, asleep] of events.entries()) {
        if (asleep.entry.name !== 'pod:asleep') continue;
        const awake = events.slice(i).find(({ entry }) => entry.name === 'pod:awake');
        for (const run of runs) {
          const began = run.began.index < (awake?.index ?? Infinity);
          const ended = run.ended !== undefined && run.ended.index < asleep.index;
          if (began && !ended)
            report('ran while its pod slept', { stepId: run.step.stepId, process: name }, asleep, run.began);
        }
      }
    }
  },
};

export const slotsHold: Rule = {
  name: 'slots hold',
  says: 'A process never runs more handlers at once than it has slots, and never two of one step.',
  check(index, report) {
    for (const { runs, settings, name } of index.processes.values()) {
      const open: Run[] = [];
      for (const run of runs) {
        const { began, step } = run;
        for (let i = open.length - 1; i >= 0; i--) {
          const ended = open[i]?.ended;
          if (ended !== undefined && ended.index < began.index) open.splice(i, 1);
        }
        const twice = open.find((other) => other.step === step);
        if (twice !== undefined)
          report('runs twice at once in one process', { stepId: step.stepId, process: name }, twice.began, began);
        open.push(run);
        if (settings !== undefined && open.length > settings.slots)
          report(`${open.length} handlers at once in ${settings.slots} slots`, { process: name }, began);
      }
    }
  },
};

export const firstRowRuns: Rule = {
  name: 'only the first row runs',
  says: 'Of two rows of one step only the first runs, by the order of their ids.',
  check(index, report, { twoRows, latenessMs }) {
    for (const step of index.steps.values()) {
      if (step.rows.length < 2) continue;
      if (!twoRows) report('has two rows', step, step.rows[0]?.changes[0], step.rows[1]?.changes[0]);
      for (const run of step.runs) {
        const first = earlierRow(step, run, latenessMs);
        if (first !== undefined) report('a row ran that is not the first of its step', aboutRun(run), first, run.began);
      }
    }
  },
};

/** The insertion of a row that sorts before the one that ran, could be seen by then, and was still there. */
function earlierRow(step: StepTrail, { claim, began }: Run, latenessMs: number) {
  const ran = claim?.row;
  if (ran === undefined) return undefined;
  for (const row of step.rows) {
    const [inserted] = row.changes;
    if (row === ran || row.rowId > ran.rowId || inserted === undefined) continue;
    const state = row.changes.findLast(({ index }) => index < began.index)?.after;
    if (state !== undefined && began.at - inserted.at > latenessMs) return inserted;
  }
  return undefined;
}

function endsFence({ entry }: PlacedEvent, fence: PlacedEvent, { podId }: ProcessTrail): boolean {
  const { reason, recoverable, incarnation } = fence.entry.fields;
  if (recoverable === false) return false;
  if (entry.name === 'pod:joined') return entry.fields.podId === podId && entry.fields.incarnation !== incarnation;
  return reason !== 'evicted' && entry.name === 'heartbeat:completed';
}

function aboutRun({ step, process }: Run): { stepId: string; process: string } {
  return { stepId: step.stepId, process: process.name };
}
