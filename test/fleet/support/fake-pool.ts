/** Holds what a test says, and remembers what it was told. */
import type { PoolLoad, WorkerPool } from '../../../src/worker-pool.js';
import type { Fence, PodRef } from '../../../src/store/contract.js';

export class FakePool implements WorkerPool<number> {
  readonly calls: string[] = [];
  readonly reconciled: { readonly snapshot: number; readonly held: readonly Fence[] }[] = [];
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
    this.calls.push(final ? 'fence for good' : 'fence');
  }

  wake(): void {
    this.wakes++;
  }

  snapshot(): number {
    return ++this.#snapshots;
  }

  reconcile(snapshot: number, held: readonly Fence[]): void {
    this.reconciled.push({ snapshot, held });
  }
}
