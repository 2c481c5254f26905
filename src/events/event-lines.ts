/**
 * The log lines of the events: each event's level and message.
 *
 * Invariants:
 * - Each event has a line. A line is written where its event is emitted, even if it has no listeners, and names the event
 *   in the field `event`. So each fact is logged once.
 * - What every step does is `debug`. Retries, recoveries, and changes of the fleet are `info`. What needs attention is `warn`.
 *   A step that has failed, and a store that does not answer, are `error`.
 * - Of a change of the fleet, the pod that it happened to writes the `info` line. Its peers write theirs at `debug`, so that a
 *   fleet of 100 pods does not log each of its restarts 100 times.
 * - `docs/observability.md` has each line. A test compares it with this file.
 */
import type { EventName } from './event-types.js';
import type { Log, LogFields, LogLevel } from '../log.js';

/** The line of an event. */
export interface EventLine {
  readonly event: EventName;
  readonly level: LogLevel;
  readonly message: string;
}

function line(event: EventName, level: LogLevel, message: string): EventLine {
  return { event, level, message };
}

export const EVENT_LINES = {
  stepSubmitted: line('step:submitted', 'debug', 'step submitted'),
  stepMismatch: line('step:submitted', 'warn', 'step was not submitted: its id exists with another payload'),
  stepClaimed: line('step:claimed', 'debug', 'step claimed'),
  stepStarted: line('step:started', 'debug', 'handler called'),
  stepCompleted: line('step:completed', 'debug', 'step completed'),
  stepFailed: line('step:failed', 'error', 'step failed permanently'),
  stepRetrying: line('step:retrying', 'info', 'step attempt failed; the step will be retried'),
  stepCancelled: line('step:cancelled', 'info', 'step cancelled'),
  claimCancelled: line('step:cancelled', 'debug', 'claim ended, because its step was cancelled'),
  stepReleased: line('step:released', 'debug', 'step released'),
  orphanRequeued: line('step:released', 'info', 'orphaned step is due again'),
  releasedWithError: line('step:released', 'warn', 'aborted handler threw an error; its step was released'),
  stepLost: line('step:lost', 'warn', 'claim was lost; the outcome of the step was discarded'),
  stepTimedOut: line('step:timedOut', 'debug', 'step attempt timed out'),
  podJoined: line('pod:joined', 'info', 'pod joined the fleet'),
  peerJoined: line('pod:joined', 'debug', 'another pod joined the fleet'),
  podLeft: line('pod:left', 'info', 'pod left the fleet'),
  peerLeft: line('pod:left', 'debug', 'another pod left the fleet'),
  podDead: line('pod:dead', 'warn', 'pod is dead and was evicted; its steps are being recovered'),
  podFenced: line('pod:fenced', 'warn', 'pod is fenced: it claims and settles nothing until a heartbeat is answered'),
  podDrains: line('pod:fenced', 'warn', 'pod is fenced: it drains permanently'),
  podAsleep: line('pod:asleep', 'info', 'pod has nothing to do, and sleeps'),
  podAwake: line('pod:awake', 'info', 'pod is awake again'),
  leaderElected: line('leader:elected', 'info', 'pod leads the fleet: it runs recovery and housekeeping'),
  leaderLost: line('leader:lost', 'info', 'pod no longer leads the fleet'),
  recoveryStarted: line('recovery:started', 'info', 'recovery cycle started'),
  recoveryCompleted: line('recovery:completed', 'info', 'recovery cycle completed'),
  recoveryFailed: line('recovery:completed', 'warn', 'recovery cycle failed; the next one tries again'),
  heartbeatCompleted: line('heartbeat:completed', 'debug', 'heartbeat answered'),
  heartbeatInOutage: line('heartbeat:completed', 'debug', 'heartbeat failed; sending it again'),
  heartbeatRefused: line('heartbeat:completed', 'warn', 'heartbeat failed; sending it again'),
  exchangeCompleted: line('exchange:completed', 'debug', 'exchange with the store completed'),
  exchangeFailed: line('exchange:completed', 'debug', 'exchange with the store failed; trying again'),
  storeError: line('store:error', 'error', 'operation failed; repeating it until it succeeds'),
  storeRecovered: line('store:recovered', 'info', 'all operations succeed again'),
  journalError: line('store:error', 'warn', 'recovery journal failed; keeping its cycles in memory'),
  journalRecovered: line('store:recovered', 'info', 'recovery journal works again; the cycles from memory are written'),
  storeThrottled: line('store:throttled', 'info', 'store slows this pod down'),
  storeRelaxed: line('store:relaxed', 'info', 'store does not slow this pod down any more'),
  queueStopped: line('queue:stopped', 'info', 'stopped'),
} as const satisfies Readonly<Record<string, EventLine>>;

/** Writes the line of an event. On the hot path the caller asks `log.writes` first, so that no fields are made in vain. */
export function logEvent(log: Log, { event, level, message }: EventLine, fields: LogFields): void {
  log[level]({ event, ...fields }, message);
}
