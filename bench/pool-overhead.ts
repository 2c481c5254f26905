/**
 * What the pool costs above its store: no-op steps through the pool, against a loop that only calls `exchange`.
 *
 * `npx tsx bench/pool-overhead.ts [steps] [sync|async|both]`. Both run on a file in a temporary folder, on the same
 * machine, one after the other, several rounds in alternation; the median counts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Events } from '../src/events.js';
import { createLog } from '../src/log.js';
import { completeOptions, resolveOptions } from '../src/options.js';
import { Pool } from '../src/pool/pool.js';
import { systemRuntime as runtime } from '../src/runtime/runtime.js';
import { sqlite } from '../src/sqlite.js';
import { StepRegistry } from '../src/step/registry.js';
import { validateStep } from '../src/step/submission.js';
import type { Claim, Store } from '../src/store/contract.js';
import { Settler } from '../src/store/settler.js';

const COUNT = Number(process.argv[2] ?? 50_000);
const WHICH = process.argv[3] ?? 'both';
const ROUNDS = Number(process.argv[4] ?? 3);
const POD = { podId: 'bench', incarnation: 'bench-life' };
const log = createLog('bench');

async function withStore<T>(run: (store: Store) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'fleet-q-'));
  const store = await sqlite({ path: path.join(folder, 'queue.db') }).create({ runtime, log });
  await store.open();
  const life = { heartbeatMs: 2_000, deadAfterMs: 600_000, meta: {} };
  await store.register({ ...POD, ...life });
  const rules = { maxPayloadBytes: 262_144, maxRetries: 3 };
  for (let i = 0; i < COUNT; i += 500) {
    const size = Math.min(500, COUNT - i);
    const steps = Array.from({ length: size }, (_, j) =>
      validateStep({ type: 'noop', args: { n: i + j } }, rules, () => runtime.uuid()),
    );
    await store.submit(steps);
  }
  try {
    return await run(store);
  } finally {
    await store.close();
    rmSync(folder, { recursive: true });
  }
}

/** The store alone. */
async function bare(store: Store): Promise<number> {
  const startedAt = performance.now();
  let claims: readonly Claim[] = [];
  let batch = 250;
  let done = 0;
  while (done < COUNT) {
    const settlements = claims.map(({ stepId, claimToken, version }) => ({
      ...{ stepId, claimToken, version, status: 'completed' as const, delayMs: null },
      ...{ charge: 0 as const, crash: 0 as const, result: null, error: null },
    }));
    const token = runtime.uuid();
    const claim = { token, free: batch, prefetch: 0, quarantine: 1 as const, types: { noop: batch } };
    const reply = await store.exchange({ pod: POD, settlements, claim });
    done += settlements.length;
    claims = reply.claims;
    batch = reply.pace.batch;
    await runtime.yield();
  }
  return performance.now() - startedAt;
}

async function pooled(store: Store, run: () => unknown): Promise<number> {
  const settings = completeOptions(resolveOptions(), store.rhythm);
  const registry = new StepRegistry();
  let done = 0;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  registry.add({ type: 'noop', run });
  const events = new Events(log);
  const rules = { retry: settings.retry, maxCrashes: settings.maxCrashes };
  const settler = new Settler({
    ...{ events, log, podId: POD.podId, random: Math.random, wallMs: Date.now },
    rulesFor: () => rules,
  });
  const counting: Pick<Store, 'exchange'> = {
    exchange: async (request) => {
      const reply = await store.exchange(request);
      done += request.settlements.length;
      if (done === COUNT) finish();
      return reply;
    },
  };
  const pool = new Pool({ store: counting, runtime, events, log, settler, settings, registry });
  pool.admit(POD);
  const startedAt = performance.now();
  await pool.start();
  await finished;
  const tookMs = performance.now() - startedAt;
  await pool.stop();
  return tookMs;
}

const RUNS: Record<string, (store: Store) => Promise<number>> = {
  bare,
  sync: (store) => pooled(store, () => undefined),
  async: (store) => pooled(store, async () => undefined),
};
const names = WHICH === 'both' ? ['bare', 'sync', 'async'] : WHICH.split(',');
const took: Record<string, number[]> = {};
for (let round = 0; round < ROUNDS; round++) {
  for (const name of names) (took[name] ??= []).push(await withStore(RUNS[name]!));
}
for (const name of names) {
  const median = took[name]!.sort((a, b) => a - b)[took[name]!.length >> 1]!;
  console.log(
    `${name.padEnd(6)} ${((median * 1000) / COUNT).toFixed(2)} µs a step, ${Math.round((COUNT / median) * 1000)} steps/s`,
  );
}
