/** What a pod that sleeps is given, and that it wakes when there is work. */
import type { RecordIndex } from '../index/record-index.js';
import { wasFaulty } from '../index/faults.js';
import type { Claim, PlacedEvent, ProcessTrail, StepTrail } from '../index/trails.js';
import type { Rule } from '../rule.js';

export const sleepersWake: Rule = {
  name: 'a sleeping pod wakes for work',
  says: 'A pod that is well does not sleep on for longer than a bound while a step is due whose type it handles.',
  check(index, report, { wakeBoundMs, faultEchoMs }) {
    for (const process of index.processes.values()) {
      for (const { asleep, until } of sleepsOf(index, process)) {
        for (const step of index.steps.values()) {
          const waits = waitWithin(step, process, asleep.at, until);
          if (waits === undefined || waits.to - waits.from <= wakeBoundMs) continue;
          if (wasFaulty(index, process, waits.from - faultEchoMs, waits.to)) continue;
          const forMs = Math.round(waits.to - waits.from);
          report(
            `slept for ${forMs} ms beside it`,
            { stepId: step.stepId, process: process.name },
            asleep,
            waits.change,
          );
        }
      }
    }
  },
};

export const sleeperGetsNothing: Rule = {
  name: 'a sleeping pod is given nothing',
  says: 'No other process claims a step for a pod that sleeps, where no request may stay without an answer: its requests are withdrawn before.',
  check(index, report, { latenessMs, workMs, mayHang }) {
    if (mayHang) return; // a request may be logged after its pod has given it up
    for (const process of index.processes.values()) {
      for (const { asleep, until } of sleepsOf(index, process)) {
        for (const claim of claimsOf(process)) {
          const { made, row } = claim;
          const { process: by = process.name } = made.entry;
          if (by === process.name || made.at <= asleep.at + latenessMs + workMs || made.at >= until) continue;
          const about = { stepId: row.step.stepId, process: process.name };
          report(`claimed for it by ${by} while it slept`, about, asleep, made);
        }
      }
    }
  },
};

function claimsOf({ lives }: ProcessTrail): readonly Claim[] {
  return lives.flatMap(({ claims }) => claims);
}

/** From when until when the process slept. */
function* sleepsOf(
  { finished }: RecordIndex,
  process: ProcessTrail,
): Generator<{ asleep: PlacedEvent; until: number }> {
  const { events, killedAt = Infinity, stoppingAt = Infinity } = process;
  const end = Math.min(killedAt, stoppingAt, finished?.entry.drainedAt ?? Infinity);
  for (const [i, asleep] of events.entries()) {
    if (asleep.entry.name !== 'pod:asleep') continue;
    const next = events.slice(i + 1).find(({ entry: { name } }) => name === 'pod:awake' || name === 'pod:fenced');
    yield { asleep, until: Math.min(next?.at ?? Infinity, end) };
  }
}

/** The longest time within the interval for which the step was due, and pending. */
function waitWithin({ rows }: StepTrail, { settings }: ProcessTrail, begin: number, end: number) {
  const [row] = rows;
  if (row === undefined || rows.length > 1) return undefined;
  let longest:
    { readonly from: number; readonly to: number; readonly change: (typeof row.changes)[number] } | undefined;
  row.changes.forEach((change, i) => {
    const { after, at } = change;
    if (after?.status !== 'pending' || settings?.types.includes(after.type) !== true) return;
    const [from, to] = [Math.max(begin, at, after.dueAt), Math.min(end, row.changes[i + 1]?.at ?? end)];
    if (to - from > (longest === undefined ? 0 : longest.to - longest.from)) longest = { from, to, change };
  });
  return longest;
}
