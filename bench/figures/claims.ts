/**
 * The cost of a claim beside a million steps that it should not read: an exchange that settles ten and claims ten, with
 * nothing else in the file; behind a million finished steps; behind a million future ones of higher priority; behind a
 * million of a type without a handler. The four take turns, so that they share the state of the machine.
 */
import { sqlite } from 'fleet-q/sqlite';
import { createLog } from '../../src/log.js';
import { systemRuntime as runtime } from '../../src/runtime/runtime.js';
import type { Settlement, Store } from '../../src/store/contract.js';
import { flood, type Flood } from '../support/flood.js';
import { median, timed } from '../support/measure.js';
import { withPlace, type Place } from '../support/places.js';
import type { Report } from '../support/report.js';
import { alone, type Course } from '../support/tasks.js';

interface Input {
  readonly places: readonly Place[];
  readonly rows: number;
}

const CASES: readonly { readonly title: string; readonly flood?: Flood }[] = [
  { title: 'claim, nothing else in the file' },
  { title: 'claim, behind a million finished', flood: 'finished' },
  { title: 'claim, behind a million future ones', flood: 'future' },
  { title: 'claim, behind a million of an unhandled type', flood: 'unhandled' },
];
const AT_A_TIME = 10;
const TURNS = 20;
const EXCHANGES_A_TURN = 20;
const POD = { podId: 'bench', incarnation: 'bench-life' };

export async function claim({ places, rows }: Input, { begin }: Course) {
  const stores: Store[] = [];
  for (const [i, place] of places.entries()) {
    const kind = CASES[i]?.flood;
    if (kind !== undefined) await flood(place, rows, kind);
    stores.push(await opened(place));
  }
  await begin();
  const tooks: number[][] = places.map(() => []);
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [i, store] of stores.entries()) tooks[i]?.push(...(await turnOf(store)));
  }
  await Promise.all(stores.map((store) => store.close()));
  return tooks.map(median);
}

async function opened({ file }: Place): Promise<Store> {
  const store = await sqlite({ path: file }).create({ runtime, log: createLog('bench') });
  await store.register({ ...POD, heartbeatMs: 2_000, deadAfterMs: 3_600_000, meta: {} });
  return store;
}

async function turnOf(store: Store): Promise<number[]> {
  await store.submit(Array.from({ length: AT_A_TIME * EXCHANGES_A_TURN }, newStep));
  const tooks: number[] = [];
  let settlements: Settlement[] = [];
  for (let i = 0; i < EXCHANGES_A_TURN; i++) {
    const types = new Map([
      ['noop', AT_A_TIME],
      ['rare', AT_A_TIME],
    ]);
    const demand = { token: runtime.uuid(), free: AT_A_TIME, prefetch: 0, quarantine: 1 as const, types };
    const tookMs = await timed(async () => {
      const { claims } = await store.exchange({ pod: POD, settlements, claim: demand });
      settlements = claims.map(({ stepId, claimToken, version }) => ({
        ...{ stepId, claimToken, version, status: 'completed', delayMs: null },
        ...{ charge: 0, crash: 0, result: null, error: null },
      }));
    });
    if (i > 0) tooks.push(tookMs); // the first settles nothing
  }
  await store.settle(POD, settlements);
  return tooks;
}

function newStep() {
  const payload = '{"type":"noop","args":{"n":1}}';
  return { stepId: runtime.uuid(), type: 'noop', payload, priority: 0, maxRetries: 3, delayMs: 0, runAt: null };
}

export async function claims(report: Report, rows: number): Promise<void> {
  const tooks = await withPlaces(CASES.length, (places) =>
    alone<number[]>({ module: 'claims', name: 'claim' }, { places, rows } satisfies Input),
  );
  const [empty = NaN, ...beside] = tooks;
  tooks.forEach((took, i) => report.add(CASES[i]?.title ?? '', 'fleet-q', took, 'ms'));
  report.ratio('claimAtMillionExtraMs', Math.max(...beside) - empty);
}

function withPlaces<T>(count: number, run: (places: Place[]) => Promise<T>, places: Place[] = []): Promise<T> {
  if (places.length === count) return run(places);
  return withPlace({}, (place) => withPlaces(count, run, [...places, place]));
}
