/** What benchmarks share: a store on a fresh file, rounds in alternation, medians. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLog } from '../../src/log.js';
import { systemRuntime as runtime } from '../../src/runtime/runtime.js';
import { sqlite } from '../../src/sqlite.js';
import type { Store } from '../../src/store/contract.js';
import type { NewStep } from '../../src/step/submission.js';

export const POD = { podId: 'bench', incarnation: 'bench-life' };

/** The helper's module exists compiled only: `npm run build` first. */
const workerUrl = new URL('../../dist/store/sqlite/helper-worker.js', import.meta.url);
/** Names no module: everything is done inline. */
const nowhere = new URL('./no-such-worker.js', import.meta.url);

export async function withFile<T>(run: (file: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'fleet-q-bench-'));
  try {
    return await run(path.join(folder, 'queue.db'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs with an open store whose only pod is {@link POD}. */
export async function withStore<T>(
  file: string,
  options: { readonly helper: boolean; readonly synchronous?: 'normal' | 'full' },
  run: (store: Store) => Promise<T>,
): Promise<T> {
  const { helper, ...rest } = options;
  const factory = sqlite({ path: file, workerUrl: helper ? workerUrl : nowhere, ...rest });
  const store = await factory.create({ runtime, log: createLog('bench') });
  try {
    await store.register({ ...POD, heartbeatMs: 2_000, deadAfterMs: 3_600_000, meta: {} });
    return await run(store);
  } finally {
    await store.close();
  }
}

export function newStep(over: Partial<NewStep> = {}): NewStep {
  const type = over.type ?? 'noop';
  const payload = `{"type":"${type}","args":{"n":1}}`;
  return { stepId: runtime.uuid(), type, payload, priority: 0, maxRetries: 3, delayMs: 0, runAt: null, ...over };
}

/** Submits so many, in chunks. */
export async function fill(
  store: Store,
  count: number,
  over: (n: number) => Partial<NewStep> = () => ({}),
): Promise<void> {
  for (let i = 0; i < count; i += 500) {
    const steps = Array.from({ length: Math.min(500, count - i) }, (_, j) => newStep(over(i + j)));
    await store.submit(steps);
  }
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

export interface Took {
  readonly wallMs: number;
  /** What this thread computed, without what others took of the machine; where the system does not tell, as `wallMs`. */
  readonly cpuMs: number;
}

/** Runs `work` and answers how long it took. */
export async function measured(work: () => unknown): Promise<Took> {
  const [wall, cpu] = [performance.now(), threadCpuMs()];
  await work();
  const wallMs = performance.now() - wall;
  return { wallMs, cpuMs: cpu === undefined ? wallMs : (threadCpuMs() ?? 0) - cpu };
}

/** Runs `work` and answers how many ms it took. */
export async function timed(work: () => unknown): Promise<number> {
  return (await measured(work)).wallMs;
}

function threadCpuMs(): number | undefined {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[0]) / 1e6;
  } catch {
    return undefined;
  }
}

export function report(name: string, value: string): void {
  console.log(`${name.padEnd(64)} ${value}`);
}
