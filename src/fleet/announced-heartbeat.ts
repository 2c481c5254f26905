/** Announces how each heartbeat ended. Its payload is made only if somebody listens. */
import { asError } from '../errors.js';
import { EVENT_LINES, logEvent, type Events } from '../events.js';
import type { Log } from '../log.js';
import type { HeartbeatSnapshot } from '../pool-interface.js';
import type { Runtime } from '../runtime/runtime.js';
import type { FleetView, PodRef } from '../store/contract.js';
import type { HeartbeatLimits } from './heartbeat-pace.js';
import type { Instant } from './self-fence.js';

/** A heartbeat's answer, with what was known when it was sent. */
export interface Answer {
  readonly view: FleetView;
  readonly sent: Instant;
  readonly snapshot: HeartbeatSnapshot;
  /** Whether it said that the pod sleeps. */
  readonly asleep: boolean;
  /** Its number, and what it stated, for the pace. */
  readonly order: number;
  readonly limits: HeartbeatLimits;
}

export interface AnnouncedHeartbeatDependencies {
  readonly runtime: Runtime;
  readonly events: Events;
  readonly log: Log;
  /** Aborts when the pod leaves: a heartbeat that ends then is not announced. */
  readonly ended: AbortSignal;
}

/** Makes the call, and emits `heartbeat:completed` when it has been answered or has failed. @throws what it threw */
export async function announcedHeartbeat<T>(
  { runtime, events, log, ended }: AnnouncedHeartbeatDependencies,
  pod: PodRef,
  call: () => Promise<T>,
): Promise<T> {
  const startedAt = runtime.monotonicMs();
  const emit = (durationMs: number, error: Error | undefined): void => {
    if (events.has('heartbeat:completed')) events.emit('heartbeat:completed', { ...pod, durationMs, error });
  };
  try {
    const answer = await call();
    const durationMs = runtime.monotonicMs() - startedAt;
    if (log.verbose) logEvent(log, EVENT_LINES.heartbeatCompleted, { incarnation: pod.incarnation, durationMs });
    emit(durationMs, undefined);
    return answer;
  } catch (error) {
    if (!ended.aborted) emit(runtime.monotonicMs() - startedAt, asError(error));
    throw error;
  }
}
