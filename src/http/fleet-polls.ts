/**
 * Reads counts and the fleet for clients that poll.
 *
 * Invariants:
 * - The queue keeps the counts, and shares them with whatever else reads them in this process, such as the metrics.
 * - A started pod has the fleet in memory; a process that only submits, and a pod that has left the fleet, ask the store, at
 *   most once an interval.
 * - Polling keeps no warehouse awake: a pod that sleeps has counted once since it last saw the fleet, and does not count
 *   again. What changes after that wakes it.
 */
import type { AnyFleetQ, LeaderReport, PodReport, QueueStats } from '../index.js';
import { Poll } from './polled.js';

/** The default interval on SQLite, where counting costs no money. */
const SQLITE_MS = 5_000;
/** On other stores, for a pod that is awake: the warehouse runs then. */
const AWAKE_MS = 30_000;
/** On other stores, for a process that only submits or has left: it does not know whether the warehouse runs. */
const CLIENT_MS = 600_000;

export interface FleetPolls {
  readonly stats: Poll<QueueStats>;
  readonly pods: Poll<readonly PodReport[]>;
  readonly leader: Poll<LeaderReport>;
}

/** What is read of a queue. */
export type PolledQueue = Pick<AnyFleetQ, 'storeName' | 'health' | 'stats' | 'pods' | 'leader'>;

/** @param statsIntervalMs the option; `undefined` for the default of the store */
export function fleetPolls(queue: PolledQueue, statsIntervalMs: number | undefined): FleetPolls {
  const knowsFleet = (): boolean => {
    const { started, reasons } = queue.health();
    return started && !reasons.includes('left');
  };
  const sleeps = queue.storeName !== 'sqlite';
  const intervalMs = (): number => statsIntervalMs ?? (sleeps ? (knowsFleet() ? AWAKE_MS : CLIENT_MS) : SQLITE_MS);
  const ofTheFleet = { intervalMs: () => (knowsFleet() ? 0 : intervalMs()) };
  /** Whether the pod has not heard of the store since: it sleeps, or its next heartbeat is not due yet. */
  const isCurrent = async (ageMs: number): Promise<boolean> =>
    knowsFleet() && (await queue.leader()).lastElectionCheckMs > ageMs;
  const timing = ({ ageMs, tookMs }: QueueStats): Pick<QueueStats, 'ageMs' | 'tookMs'> => ({ ageMs, tookMs });
  return {
    stats: new Poll((maxAgeMs) => queue.stats({ maxAgeMs }), { intervalMs, timing, ...(sleeps ? { isCurrent } : {}) }),
    pods: new Poll(() => queue.pods(), ofTheFleet),
    leader: new Poll(() => queue.leader(), ofTheFleet),
  };
}
