/** Builds the reports of `pods()` from the state that pods report with their heartbeats. */
import type { Runtime } from './runtime/runtime.js';
import { mapInSlices } from './runtime/time-slices.js';
import type { FleetSnapshot } from './stats.js';
import { isLive, type PodView } from './store/contract.js';

/**
 * A pod of the fleet, as of the view that the report was made from. Durations are by the store's clock, at the time of the
 * view.
 */
export interface PodReport {
  readonly podId: string;
  /** One life of the pod. Two pods with one `podId` have two incarnations. */
  readonly incarnation: string;
  /** Whether it is awake, has sent a heartbeat within its own `deadAfterMs`, and is not known to have exited. */
  readonly live: boolean;
  /** Whether it sleeps: it holds no steps, and has announced that it sends no heartbeats for a while. */
  readonly asleep: boolean;
  readonly isLeader: boolean;
  /** Whether it may lead. */
  readonly eligible: boolean;
  /** How long ago it registered, in ms. */
  readonly ageMs: number;
  /** How long ago its last heartbeat was, in ms. */
  readonly silentForMs: number;
  /** Other pods may evict it once it has been silent for longer than this, in ms. */
  readonly deadAfterMs: number;
  /** How many handlers ran at its last heartbeat. */
  readonly running: number;
  /** How many handlers it may run at a time. */
  readonly slots: number;
  /** The step types that it handles; `null` if the list is too long to be stored. */
  readonly types: readonly string[] | null;
  /** The version of the library that it runs; `null` if it has not said. */
  readonly version: string | null;
}

/** In slices: a fleet may have thousands of pods. The oldest comes first. */
export async function podReports(runtime: Runtime, { pods, leader }: FleetSnapshot): Promise<readonly PodReport[]> {
  const oldestFirst = pods.toSorted((a, b) => b.ageMs - a.ageMs);
  return mapInSlices(runtime, oldestFirst, (view) => reportOf(view, view.pod.incarnation === leader?.pod.incarnation));
}

function reportOf(view: PodView, isLeader: boolean): PodReport {
  const { pod, meta, asleep, eligible, ageMs, silentForMs, deadAfterMs } = view;
  const version = meta['version'];
  return {
    podId: pod.podId,
    incarnation: pod.incarnation,
    live: isLive(view),
    asleep,
    isLeader,
    eligible,
    ageMs,
    silentForMs,
    deadAfterMs,
    running: count(meta['running']),
    slots: count(meta['slots']),
    types: meta['typesOmitted'] === true ? null : texts(meta['types']),
    version: typeof version === 'string' ? version : null,
  };
}

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
