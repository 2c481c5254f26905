/** Subscribers of the tracing channels that note what they get, for one test. */
import { tracingChannel, type TracingChannelSubscribers } from 'node:diagnostics_channel';
import { onTestFinished } from 'vitest';
import type { RunTrace, SubmitTrace } from 'fleet-q';

export type Phase = 'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error';
const PHASES: readonly Phase[] = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];

/** One event, with a copy of the trace at that time. */
export interface Noted<T> {
  readonly phase: Phase;
  readonly trace: T;
  readonly copy: T;
}

function noted<T extends object>(name: string, on: Partial<Record<Phase, (trace: T) => void>>): Noted<T>[] {
  const events: Noted<T>[] = [];
  const subscriber = (phase: Phase) => (trace: unknown) => {
    events.push({ phase, trace: trace as T, copy: { ...(trace as T) } });
    on[phase]?.(trace as T);
  };
  const subscribers = Object.fromEntries(
    PHASES.map((phase) => [phase, subscriber(phase)]),
  ) as unknown as TracingChannelSubscribers<T>;
  const channel = tracingChannel<unknown, T>(name);
  channel.subscribe(subscribers);
  onTestFinished(() => channel.unsubscribe(subscribers));
  return events;
}

/** The events of `fleet-q:submit` until the test ends. @param on is called with each trace, after it was noted */
export const submitEvents = (on: Partial<Record<Phase, (trace: SubmitTrace) => void>> = {}): Noted<SubmitTrace>[] =>
  noted('fleet-q:submit', on);

/** The events of `fleet-q:run` until the test ends. @param on is called with each trace, after it was noted */
export const runEvents = (on: Partial<Record<Phase, (trace: RunTrace) => void>> = {}): Noted<RunTrace>[] =>
  noted('fleet-q:run', on);

export const phases = (events: readonly Noted<unknown>[]): Phase[] => events.map(({ phase }) => phase);

/** The copies of the traces at this phase. */
export const at = <T>(events: readonly Noted<T>[], wanted: Phase): T[] =>
  events.filter(({ phase }) => phase === wanted).map(({ copy }) => copy);
