/** That each event about a settlement has its change in the store before it, once. */
import type { RecordIndex } from '../index/record-index.js';
import type { Claim, PlacedEvent, RowChange, StepTrail } from '../index/trails.js';
import type { Rule } from '../rule.js';
import { byHolder } from './settlements.js';

/** What an event needs: the end of a claim by the process that emits it. */
type Needs = (claim: Claim, change: RowChange, event: PlacedEvent) => boolean;

const charged = ({ state }: Claim, { after }: RowChange): boolean => (after?.retryCount ?? 0) > state.retryCount;
const attemptOf = ({ state }: Claim, { entry }: PlacedEvent): boolean =>
  entry.fields.attempt === undefined || entry.fields.attempt === state.retryCount + 1;

/** By event: whether the end of a claim is what the event reports. */
const NEEDS: Readonly<Record<string, Needs>> = {
  'step:completed': (claim, change) => change.after?.status === 'completed' && byHolder(claim, change),
  'step:failed': (_, change) => change.after?.status === 'failed',
  'step:retrying': (claim, change) => change.after?.status === 'pending' && charged(claim, change),
  'step:released': (claim, change) => change.after?.status === 'pending' && !charged(claim, change),
  'step:timedOut': (claim, change) => change.after?.status === 'failed' || charged(claim, change),
};

export const eventsHaveReceipts: Rule = {
  name: 'an event has its receipt',
  says: 'An event about a settlement is emitted once, by the process that settled, after the store has the settlement, with the attempt of its claim.',
  check(index, report) {
    for (const step of index.steps.values()) {
      if (step.events.length === 0) continue;
      const used = new Set<string>();
      for (const event of step.events) {
        const needs = NEEDS[event.entry.name];
        if (needs === undefined) continue;
        const { name, process } = event.entry;
        const receipt = step.claims.find((claim) => {
          const change = claim.ended;
          if (change === undefined || change.index > event.index || used.has(`${name} ${claim.made.index}`))
            return false;
          const settled = index.ownerOf(change.after?.settledBy)?.name === process;
          return settled && attemptOf(claim, event) && needs(claim, change, event);
        });
        if (receipt === undefined)
          report(`${name}, and no settlement of this process is in the store`, aboutEvent(event), event);
        else used.add(`${name} ${receipt.made.index}`);
      }
    }
  },
};

export const cancelsHaveReceipts: Rule = {
  name: 'a cancelled event has its cancel',
  says: '`step:cancelled` comes after the step was cancelled; as the caller, from a process that called `cancel`; as the holder, from one that held it, once for each claim.',
  check(index, report) {
    for (const step of index.steps.values()) {
      const told = new Map<string, number>();
      for (const event of step.events) {
        const { name, process, fields } = event.entry;
        if (name !== 'step:cancelled') continue;
        const cancelled = step.changes.some(
          ({ index: place, after }) => place < event.index && after?.status === 'cancelled',
        );
        const reasons =
          fields.by === 'caller'
            ? step.calls.filter(
                ({ asked }) =>
                  asked.index < event.index && asked.entry.method === 'cancel' && asked.entry.process === process,
              )
            : claimsOf(step, process, event);
        const key = `${process} ${String(fields.by)}`;
        const count = (told.get(key) ?? 0) + 1;
        told.set(key, count);
        if (!cancelled) report('step:cancelled, and the step was not cancelled', aboutEvent(event), event);
        else if (count > reasons.length)
          report(`step:cancelled by ${String(fields.by)} once too often`, aboutEvent(event), event);
      }
    }
  },
};

export const lostIsLost: Rule = {
  name: 'a lost claim was lost',
  says: '`step:lost` is emitted only by a process whose claim of the step was ended by another, or was followed by another settlement.',
  check(index, report, { twoRows }) {
    for (const step of index.steps.values()) {
      for (const event of step.events) {
        const { name, process } = event.entry;
        if (name !== 'step:lost' || (twoRows && step.rows.length > 1)) continue;
        if (!claimsOf(step, process, event).some((claim) => wasLost(index, claim, event)))
          report('step:lost, and the claim holds or was settled by this process', aboutEvent(event), event);
      }
    }
  },
};

export const claimsHaveEvents: Rule = {
  name: 'a claim is announced once',
  says: '`step:claimed` comes after the claim is in the store, once for each claim, and `step:started` before each run, and at most once for each claim.',
  check(index, report) {
    for (const step of index.steps.values()) {
      const taken = new Set<Claim>();
      for (const event of step.events) {
        const { name, process } = event.entry;
        if (name !== 'step:claimed') continue;
        const claim = claimsOf(step, process, event).find((one) => !taken.has(one) && attemptOf(one, event));
        if (claim === undefined) report('step:claimed, and the store has no claim for it', aboutEvent(event), event);
        else taken.add(claim);
      }
      for (const [i, run] of step.runs.entries()) {
        const { process, attempt } = run.began.entry;
        const before = (place: number): boolean => place < run.began.index;
        const started = step.events.filter(
          ({ entry, index: place }) => entry.name === 'step:started' && entry.process === process && before(place),
        );
        const nth = step.runs.slice(0, i + 1).filter(({ process: other }) => other === run.process).length;
        // A claim whose args a schema checks may be aborted before its handler runs.
        const most = claimsOf(step, process, run.began).length;
        if (
          started.length < nth ||
          started.length > Math.max(nth, most) ||
          started.at(-1)?.entry.fields.attempt !== attempt
        )
          report(
            'a handler began without its step:started',
            { stepId: step.stepId, process },
            started.at(-1),
            run.began,
          );
      }
    }
  },
};

export const submittedIsTrue: Rule = {
  name: 'a receipt of a submission is true',
  says: '`created` is answered once for each step, by one of those that submitted it, and `duplicate` or `mismatch` only if the step was there.',
  check(index, report, { twoRows }) {
    for (const step of index.steps.values()) {
      let created: PlacedEvent | undefined;
      for (const event of step.events) {
        if (event.entry.name !== 'step:submitted') continue;
        const [first] = step.changes;
        if (first === undefined || first.index > event.index)
          report('step:submitted, and the step is not stored', aboutEvent(event), event);
        if (event.entry.fields.receipt !== 'created') continue;
        if (created !== undefined && !twoRows) report('created twice', aboutEvent(event), created, event);
        created ??= event;
      }
    }
  },
};

/** The claims of a step that incarnations of the process had made before the event. */
function claimsOf(step: StepTrail, process: string, { index }: { readonly index: number }): Claim[] {
  return step.claims.filter(({ life, made }) => made.index < index && life?.process?.name === process);
}

function wasLost(index: RecordIndex, { ended, row, made, life }: Claim, event: PlacedEvent): boolean {
  if (ended === undefined || ended.index > event.index) return false;
  if (index.ownerOf(ended.after?.settledBy) !== life?.process) return true;
  return row.step.changes.some(
    (change) =>
      change.index > made.index &&
      change.index < event.index &&
      change.ends !== undefined &&
      change !== ended &&
      change.index > ended.index,
  );
}

function aboutEvent({ entry }: PlacedEvent): { stepId: string; process: string } {
  return { stepId: entry.stepId ?? '', process: entry.process };
}
