/** That what has happened is announced, and in which order. */
import { wasFaulty } from '../index/faults.js';
import type { RecordIndex } from '../index/record-index.js';
import type { Claim, ProcessTrail, RowChange } from '../index/trails.js';
import type { Rule } from '../rule.js';
import { byHolder } from './settlements.js';

export const noEventMissing: Rule = {
  name: 'no event is missing',
  says: 'A process that is well emits the event of each settlement of its own, within a bound, unless its incarnation has ended; `step:cancelled` instead, if the step was cancelled right after it gave it back.',
  check(index, report, { eventBoundMs, faultEchoMs }) {
    for (const claim of index.claims) {
      const change = claim.ended;
      const process = claim.life?.process;
      if (change === undefined || process === undefined || !byHolder(claim, change)) continue;
      const name = eventOf(claim, change);
      const { step } = claim.row;
      if (name === undefined || step.rows.length > 1) continue;
      const by = change.at + eventBoundMs;
      if (!isWell(index, process, change.at - faultEchoMs, by) || endsBy(claim, by)) continue;
      const attempt = claim.state.retryCount + 1;
      const cancel = cancelAfter(change);
      const emitted = step.events.some(
        ({ entry, at, index: place }) =>
          place > change.index &&
          at <= by &&
          entry.process === process.name &&
          (entry.name === 'step:lost' ||
            (entry.name === name && (entry.fields.attempt ?? attempt) === attempt) ||
            (entry.name === 'step:cancelled' && entry.fields.by === 'holder' && place > (cancel?.index ?? Infinity))),
      );
      if (!emitted)
        report(
          `settled, and ${name} was not emitted`,
          { stepId: step.stepId, process: process.name },
          claim.made,
          change,
        );
    }
  },
};

export const noClaimOverlooked: Rule = {
  name: 'no claim is overlooked',
  says: 'A process that is well learns of each claim of its own, also when the reply was lost, unless a call of its own may be applied late.',
  check(index, report, { lateCalls, faultEchoMs }) {
    if (lateCalls) return;
    for (const claim of index.claims) {
      const { ended, made, life, row } = claim;
      const process = life?.process;
      if (ended === undefined || process === undefined || !byHolder(claim, ended)) continue;
      const isOut = (process.stoppingAt ?? Infinity) <= ended.at || hasFenced(process, ended);
      if (isOut || wasFaulty(index, process, made.at - faultEchoMs, ended.at)) continue;
      if (!isAnnounced(claim, ended))
        report(
          'its holder gave it back and never knew it',
          { stepId: row.step.stepId, process: process.name },
          made,
          ended,
        );
    }
  },
};

/** By so much a pod's clock may be faster than the world's. */
const FAST_CLOCK = 1.25;

export const unknownClaimsRest: Rule = {
  name: 'an unknown claim is not given back at once',
  says: 'A process gives back a claim that it never announced only when no late read explains why the store shows it, or its step has two rows.',
  check(index, report, { staleReadMs }) {
    if (staleReadMs === 0) return;
    for (const claim of index.claims) {
      const { ended, made, life, row } = claim;
      const process = life?.process;
      if (ended === undefined || process === undefined || !byHolder(claim, ended)) continue;
      if (row.step.rows.length > 1) continue; // a claim of the second row is given back silently
      const restedMs = ended.at - made.at;
      if (restedMs * FAST_CLOCK < staleReadMs && !isAnnounced(claim, ended))
        report(
          `given back after ${Math.round(restedMs)} ms, and never announced`,
          { stepId: row.step.stepId, process: process.name },
          made,
          ended,
        );
    }
  },
};

export const eventsInOrder: Rule = {
  name: 'events are in order',
  says: 'A pod joins before it claims; `leader:elected` and `leader:lost` alternate; nothing is emitted after `queue:stopped`, nor by a process that is gone.',
  check(index, report) {
    for (const process of index.processes.values()) {
      const { name: processName, podId, events, killedAt } = process;
      const about = { process: processName };
      let [joined, leads] = [false, false];
      let stopped: (typeof events)[number] | undefined;
      for (const event of events) {
        const { name, fields, stepId } = event.entry;
        if (stopped !== undefined) report(`${name} after queue:stopped`, about, stopped, event);
        if (killedAt !== undefined && event.at > killedAt) report(`${name} by a process that was killed`, about, event);
        if (name === 'pod:joined' && fields.podId === podId) joined = true;
        if (name === 'step:claimed' && !joined)
          report(`${name} before the pod has joined`, { ...about, ...(stepId === undefined ? {} : { stepId }) }, event);
        if (name === 'leader:elected' || name === 'leader:lost') {
          const elected = name === 'leader:elected';
          if (elected === leads) report(`${name} twice`, about, event);
          leads = elected;
        }
        if (name === 'queue:stopped') stopped = event;
      }
    }
  },
};

export const deathsAreTrue: Rule = {
  name: 'an announced death is true',
  says: '`pod:dead` is emitted only after the incarnation was evicted, and once by one process.',
  check(index, report) {
    const told = new Set<string>();
    for (const event of index.events) {
      const { name, fields, process } = event.entry;
      if (name !== 'pod:dead') continue;
      const evicted = index.lives.get(fields.incarnation ?? '')?.evicted;
      const key = `${process} ${String(fields.incarnation)}`;
      if (evicted === undefined || evicted.index > event.index)
        report('pod:dead, and it was not evicted', { process }, event);
      else if (told.has(key)) report('pod:dead twice', { process }, event);
      told.add(key);
    }
  },
};

/** The event that reports the end of the claim. */
function eventOf(claim: Claim, { after, index }: RowChange): string | undefined {
  switch (after?.status) {
    case 'completed':
      return 'step:completed';
    case 'failed':
      return 'step:failed';
    case 'pending': {
      if (after.retryCount > claim.state.retryCount) return 'step:retrying';
      // A claim that the pod never knew is given back silently.
      return isAnnounced(claim, { index }) ? 'step:released' : undefined;
    }
    default:
      return undefined;
  }
}

/** The cancel of a step that was given back, before anybody has claimed it again: the receipt of the settlement may show it. */
function cancelAfter({ after, row, index }: RowChange): RowChange | undefined {
  const next = row.changes.find((other) => other.index > index);
  return after?.status === 'pending' && next?.after?.status === 'cancelled' ? next : undefined;
}

/** Whether the process has emitted `step:claimed` for the claim by then. */
function isAnnounced({ row, made, life }: Claim, { index }: { readonly index: number }): boolean {
  return row.step.events.some(
    ({ entry, index: place }) =>
      entry.name === 'step:claimed' && place > made.index && place < index && entry.process === life?.process?.name,
  );
}

function hasFenced({ events }: ProcessTrail, { index: by }: { readonly index: number }): boolean {
  return events.some(({ entry, index }) => index < by && entry.name === 'pod:fenced');
}

/** Whether the process lived, without a fault, until the end of the interval, and the record goes on until then. */
function isWell(index: RecordIndex, process: ProcessTrail, from: number, to: number): boolean {
  const last = Math.min(process.killedAt ?? Infinity, process.stoppedAt ?? Infinity, index.finished?.at ?? 0);
  return last >= to && !wasFaulty(index, process, from, to);
}

function endsBy({ life }: Claim, at: number): boolean {
  return (life?.evicted?.at ?? Infinity) <= at || (life?.left?.at ?? Infinity) <= at;
}
