/**
 * Diagnoses a queue: what its store finds, and then what the queue finds itself.
 *
 * Invariants:
 * - It never rejects. A store that cannot be made, or that breaks its contract, is a finding named `store`.
 * - A store that the queue has not opened is not opened. The diagnosis makes one for itself, and closes it.
 */
import type { Runtime } from '../runtime/runtime.js';
import { withTimeout } from '../runtime/with-timeout.js';
import { handledTypes } from '../stats.js';
import type { Finding, Store, StoreDiagnosis } from '../store/contract.js';
import { ok } from '../store/diagnosis/check.js';
import { failureOf, runChecks } from '../store/diagnosis/run-checks.js';
import { QUEUE_CHECKS, type QueueState } from './queue-checks.js';

/** How long a store may take for all of its checks. It bounds itself; this is for one that does not. */
const STORE_MS = 180_000;
const CHECK_MS = 10_000;
const ALL_MS = 30_000;

const WHY_STORE = 'Everything that the queue knows is in its store.';

export interface QueueDiagnosisInputs {
  readonly runtime: Runtime;
  /** The store that the queue has opened, if it has. */
  readonly opened: Store | undefined;
  /** Makes a store that is not open. */
  readonly make: () => Promise<Store>;
  /** The queue, without what the store shows. */
  readonly state: Omit<QueueState, 'counts' | 'pods' | 'handled'>;
}

export async function diagnoseQueue(inputs: QueueDiagnosisInputs): Promise<readonly Finding[]> {
  const { runtime, state } = inputs;
  const { findings, counts, pods } = await storeDiagnosis(inputs);
  const handled = pods === undefined ? undefined : await handledTypes(runtime, pods);
  const limits = { runtime, timeoutMs: CHECK_MS, totalMs: ALL_MS };
  return [...findings, ...(await runChecks(QUEUE_CHECKS, { ...state, counts, pods, handled }, limits))];
}

async function storeDiagnosis({ runtime, opened, make }: QueueDiagnosisInputs): Promise<StoreDiagnosis> {
  let own: Store | undefined;
  try {
    const store = opened ?? (own = await make());
    const diagnosis = await withTimeout(runtime, () => store.diagnose(), { timeoutMs: STORE_MS });
    const found = { check: 'store', why: WHY_STORE, ...ok(`The store is ${store.name}.`) };
    return { ...diagnosis, findings: [found, ...diagnosis.findings] };
  } catch (error) {
    const found = { check: 'store', why: WHY_STORE, ...failureOf(error) };
    return { findings: [found], counts: undefined, pods: undefined };
  } finally {
    await own?.close().catch(() => undefined);
  }
}
