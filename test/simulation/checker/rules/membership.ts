/** Who may claim, and who may be evicted. */
import type { MemberChanged } from '../../history/history.js';
import type { Bounds } from '../bounds.js';
import { isGone, overlaps, SILENCING, STOPPING_TIME, wasFaulty } from '../index/faults.js';
import type { RecordIndex } from '../index/record-index.js';
import type { Life, Placed, PlacedFault, ProcessTrail } from '../index/trails.js';
import type { Rule } from '../rule.js';
import { hasEnded } from './settlements.js';

export const membersClaim: Rule = {
  name: 'only members claim',
  says: 'Steps are claimed only for incarnations that are registered, and had neither left nor been evicted as far as the statement that claims could see.',
  check(index, report, { latenessMs, workMs }) {
    for (const { life, made, row, state } of index.claims) {
      const about = { stepId: row.step.stepId, process: life?.process?.name };
      if (life?.registered === undefined || life.registered.index > made.index)
        report(`claimed for ${state.claimedIncarnation}, which is not registered`, about, made);
      for (const ended of [life?.left, life?.evicted]) {
        if (ended !== undefined && ended.index < made.index && made.at - ended.at >= latenessMs + workMs)
          report(`claimed for an incarnation that was ${ended.entry.event}`, about, ended, made);
      }
    }
  },
};

export const noRevival: Rule = {
  name: 'no incarnation comes back',
  says: 'An incarnation that has left or was evicted never registers again.',
  check(index, report) {
    const ends = new Map<string, (typeof index.members)[number]>();
    for (const member of index.members) {
      const { incarnation, event } = member.entry;
      const ended = ends.get(incarnation);
      if (event !== 'registered')
        ends.set(incarnation, ended ?? member); // it may leave and be evicted at once
      else if (ended !== undefined)
        report(
          `registered after it was ${ended.entry.event}`,
          { process: index.ownerOf(incarnation)?.name },
          ended,
          member,
        );
    }
  },
};

export const justEvictions: Rule = {
  name: 'no living pod is evicted',
  says: 'A pod is evicted only if its process is gone, if a fault, or a request without an answer, kept it from being heard, if it has drained permanently, or if it has not joined yet.',
  check(index, report, bounds) {
    for (const { life, evicted, process } of evictedLives(index)) {
      if (isGone(process, evicted.at) || isOut(process, evicted) || !hasJoined(process, life)) continue;
      if (wasUnheard(process, life, evicted, bounds)) continue;
      const from = evicted.at - deadAfterOf(process) - bounds.faultEchoMs;
      if (wasFaulty(index, process, from, evicted.at, SILENCING)) continue;
      report('evicted, and no fault had affected it', { process: process.name }, evicted);
    }
    for (const event of index.events) {
      const { name, fields } = event.entry;
      if (name !== 'pod:dead' || fields.reason !== 'exited') continue;
      const process = index.ownerOf(fields.incarnation);
      if (process !== undefined && !isGone(process, event.at))
        report('evicted as exited, and its process lives', { process: process.name }, event);
    }
  },
};

export const outagesEvictNobody: Rule = {
  name: 'an outage evicts nobody',
  says: 'A pod that runs is not evicted because of faults that cut off the pod that evicts it as well, at the same time, unless a request without an answer kept it from being heard too.',
  check(index, report, bounds) {
    for (const { life, evicted, process } of evictedLives(index)) {
      const leader = index.processes.get(evicted.entry.process ?? '');
      if (isGone(process, evicted.at) || isOut(process, evicted) || !hasJoined(process, life)) continue;
      if (wasUnheard(process, life, evicted, bounds)) continue;
      const from = evicted.at - deadAfterOf(process) - bounds.faultEchoMs;
      const faults = process.faults.filter(
        (fault) => SILENCING.has(fault.entry.name) && overlaps(fault, from, evicted.at),
      );
      if (faults.length === 0 || index.faultsOfAll.some((fault) => overlaps(fault, from, evicted.at))) continue;
      if (faults.every((fault) => isOutage(fault, leader)))
        report('evicted after an outage of the store', { process: process.name }, ...faults, evicted);
    }
  },
};

export const evictionsAreChecked: Rule = {
  name: 'an eviction is checked again',
  says: 'When a pod is evicted the store has not heard of it for as long as it has registered, but for what a late read does not show, or one before its commit, unless its process was killed and its host proves that.',
  check(index, report, { latenessMs, workMs, clockSlackMs, provesExits }) {
    for (const { evicted, process } of evictedLives(index)) {
      const { silentForMs } = evicted.entry;
      if (provesExits && (process.killedAt ?? Infinity) <= evicted.at) continue;
      if (silentForMs === undefined || silentForMs < latenessMs + workMs) continue; // the read does not show it
      if (silentForMs < deadAfterOf(process) - latenessMs - clockSlackMs)
        report(`evicted, and it was heard ${Math.round(silentForMs)} ms before`, { process: process.name }, evicted);
    }
  },
};

export const fenceBeforeEviction: Rule = {
  name: 'a pod fences itself before it is evicted',
  says: 'A pod that is evicted has emitted `pod:fenced` before, unless its process is gone or did not run at that time.',
  check(index, report) {
    for (const { life, evicted, process } of evictedLives(index)) {
      if (isGone(process, evicted.at) || process.stoppingAt !== undefined) continue;
      if (wasFaulty(index, process, evicted.at - deadAfterOf(process), evicted.at, STOPPING_TIME)) continue;
      if (hasJoined(process, life) && !hasFenced(process, life, evicted))
        report('evicted before it had fenced itself', { process: process.name }, evicted);
    }
  },
};

export const supersededStaysOut: Rule = {
  name: 'a superseded pod stays out',
  says: 'A process that was superseded or outdated never registers another incarnation; nor does one that was evicted after a younger incarnation had taken its podId, as long as that is a member.',
  check(index, report, { latenessMs }) {
    for (const process of index.processes.values()) {
      for (const [i, { registered: again }] of process.lives.entries()) {
        const last = process.lives[i - 1];
        if (again === undefined || last === undefined) continue;
        const successor = successorOf(index, process, last, latenessMs);
        if (successor !== undefined && !hasEnded(successor, again))
          report(
            'registered again beside its successor',
            { process: process.name },
            successor.registered,
            last.evicted,
            again,
          );
      }
    }
    for (const process of index.processes.values()) {
      const fenced = process.events.find(
        ({ entry }) => entry.name === 'pod:fenced' && entry.fields.recoverable === false,
      );
      if (fenced === undefined) continue;
      for (const { registered } of process.lives) {
        if (registered !== undefined && registered.index > fenced.index)
          report(
            `registered after it was ${String(fenced.entry.fields.reason)}`,
            { process: process.name },
            fenced,
            registered,
          );
      }
    }
  },
};

/** A younger incarnation under its podId, of another process, that was there when this one was evicted. */
function successorOf(index: RecordIndex, process: ProcessTrail, { registered, evicted }: Life, latenessMs: number) {
  if (registered === undefined || evicted === undefined) return undefined;
  for (const life of index.lives.values()) {
    if (life.podId !== process.podId || life.process === process || life.registered === undefined) continue;
    if (life.registered.index > registered.index && life.registered.at < evicted.at - latenessMs) return life;
  }
  return undefined;
}

/** Whether it drained permanently before. If its leaving fails then, its peers evict it. */
function isOut({ events }: ProcessTrail, { index: by }: { readonly index: number }): boolean {
  return events.some(
    ({ entry, index }) => index < by && entry.name === 'pod:fenced' && entry.fields.recoverable === false,
  );
}

/** Whether this incarnation is at work. Before, it may wait for the answer to its registration, which may be lost. */
function hasJoined({ events }: ProcessTrail, { incarnation }: { readonly incarnation: string }): boolean {
  return events.some(({ entry }) => entry.name === 'pod:joined' && entry.fields.incarnation === incarnation);
}

/** Whether the other process was cut off with this one. */
function isOutage({ at, entry: { name, until } }: PlacedFault, other: ProcessTrail | undefined): boolean {
  if (name !== 'cut' || other === undefined) return false;
  return other.faults.some((fault) => fault.at === at && fault.entry.name === name && fault.entry.until === until);
}

function hasFenced(
  { events }: ProcessTrail,
  { incarnation }: Life,
  { index: by }: { readonly index: number },
): boolean {
  return events.some(
    ({ index, entry }) => index < by && entry.fields.incarnation === incarnation && entry.name === 'pod:fenced',
  );
}

/** Whether a request without an answer kept it from being heard: it has noticed that, and fenced itself; or it was leaving by then. */
function wasUnheard(process: ProcessTrail, life: Life, evicted: Placed<MemberChanged>, bounds: Bounds): boolean {
  return bounds.mayHang && (hasFenced(process, life, evicted) || wasLeaving(process, evicted, bounds));
}

/**
 * Whether the pod was leaving when it would have fenced itself for its silence: when its handlers have ended, or the time for its drain is
 * over, it sends no heartbeats any more, and so does not notice that its leaving is not heard.
 */
function wasLeaving(process: ProcessTrail, { at, entry }: Placed<MemberChanged>, { drainMs }: Bounds): boolean {
  const { stoppingAt = Infinity, runs } = process;
  const fencedBy = Math.min(at, at - (entry.silentForMs ?? 0) + deadAfterOf(process));
  if (stoppingAt > fencedBy) return false;
  const isIdle = runs.every(({ began, ended }) => began.at > fencedBy || (ended?.at ?? Infinity) <= fencedBy);
  return isIdle || fencedBy - stoppingAt >= drainMs;
}

function deadAfterOf({ settings }: ProcessTrail): number {
  return settings?.deadAfterMs ?? 0;
}

function* evictedLives(index: RecordIndex) {
  for (const life of index.lives.values()) {
    const { evicted, process } = life;
    if (evicted !== undefined && process !== undefined) yield { life, evicted, process };
  }
}
