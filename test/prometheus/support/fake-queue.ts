/** A queue that does what a test says: it emits events, and reports a health and counts. */
import type { AnyFleetQ, EventName, Health, PacingReport, QueueStats } from 'fleet-q';

export const STATS: QueueStats = {
  ...{ pendingSteps: 3, claimedSteps: 1, completedSteps: 5, failedSteps: 0, cancelledSteps: 0 },
  ...{ activePods: 2, asleepPods: 0, currentLeader: 'pod-1', queueDepthByPriority: { 0: 3 }, strays: 0 },
  stepsByType: { resize: { pending: 3, claimed: 1, completed: 5, failed: 0, cancelled: 0 } },
  podCapacity: { 'pod-1': { current: 1, max: 4 }, 'pod-2': { current: 2, max: 4 } },
  ...{ dueSteps: 2, oldestDueMs: 1_500, unhandledTypes: [], ageMs: 0, tookMs: 1 },
};

export class FakeQueue {
  readonly podId = 'pod-1';
  readonly storeName = 'sqlite';
  isLeader = true;
  asleep = false;
  /** How its store paces it; `undefined` for one that does not. */
  pacing: PacingReport | undefined;
  reasons: string[] = [];
  statsCalls = 0;
  stats: () => Promise<QueueStats> = () => {
    this.statsCalls++;
    return this.answer();
  };
  answer: () => Promise<QueueStats> = () => Promise.resolve(STATS);
  readonly #listeners = new Map<string, Set<(payload: unknown) => void>>();

  /** As the type that `createMetrics` takes. */
  get asQueue(): AnyFleetQ {
    return this as unknown as AnyFleetQ;
  }

  get listeners(): number {
    return [...this.#listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }

  on(event: EventName, listener: (payload: unknown) => void): () => void {
    const all = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, all.add(listener));
    return () => void all.delete(listener);
  }

  onBrief(event: EventName, listener: (payload: unknown) => void): () => void {
    return this.on(event, listener);
  }

  emit(event: EventName, payload: object): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(payload);
  }

  health(): Health {
    return {
      ...{ podId: this.podId, status: 'healthy', uptimeSeconds: 12, currentCapacity: 1, maxCapacity: 4 },
      ...{ isLeader: this.isLeader, version: '1.2.3', problems: [], warnings: [], live: true, started: true },
      ...{ ready: this.reasons.length === 0, paused: false, strays: 0, reasons: this.reasons },
      asleep: this.asleep,
      ...(this.pacing !== undefined && { store: this.pacing }),
    } as unknown as Health;
  }
}
