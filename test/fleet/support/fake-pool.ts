/** A pool that holds what a test sets, and records its calls. */
import type { HeartbeatSnapshot, PoolLoad, QuietLook, WorkerPool } from '../../../src/pool-interface.js';
import type { Fence, PodRef } from '../../../src/store/contract.js';

export class FakePool implements WorkerPool {
  readonly calls: string[] = [];
  readonly reconciled: { readonly snapshot: HeartbeatSnapshot; readonly held: readonly Fence[] }[] = [];
  load: PoolLoad = { running: 0, unstarted: 0, unsettled: 0, strays: 0, slots: 4, paused: false, fenced: false };
  overdueMs = 0;
  wakes = 0;
  #snapshots = 0;

  admit(pod: PodRef): void {
    this.calls.push(`admit ${pod.incarnation}`);
  }

  halt(): void {
    this.calls.push('halt');
  }

  retire(): void {
    this.calls.push('retire');
  }

  fence(final: boolean): void {
    this.calls.push(final ? 'fence permanently' : 'fence');
  }

  wake(): void {
    this.wakes++;
  }

  /** Whether the pool lets the pod sleep. */
  maySleep = true;
  /** What the listeners are told by a test. */
  quiet: (look: QuietLook | undefined) => void = () => undefined;
  work: () => void = () => undefined;

  sleep(): boolean {
    if (this.maySleep) this.calls.push('sleep');
    return this.maySleep;
  }

  onQuiet(listener: (look: QuietLook | undefined) => void): void {
    this.quiet = listener;
  }

  onWork(listener: () => void): void {
    this.work = listener;
  }

  /** The time of the nth snapshot is n. */
  snapshot(): HeartbeatSnapshot {
    return { takenAt: ++this.#snapshots };
  }

  reconcile(snapshot: HeartbeatSnapshot, held: readonly Fence[]): void {
    this.reconciled.push({ snapshot, held });
  }
}
