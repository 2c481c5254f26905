/** The tables and their views, compared with tables that keep every version of every row. */
import { expect, test } from 'vitest';
import type { Effect, PodLogRow, RequestRow, StepRow, TableChange, View } from '../tables.js';
import { understood } from '../values.js';
import { ModelledTables } from './modelled-tables.js';
import { actorOf } from './touches.js';
import { byRank, waitingStepOf } from './waiting.js';
import { type Seeded, seeded } from './seeded.js';

const SEEDS = Number(process.env['SEEDS'] ?? 6);

const row = (step_id: string, row_id: string, more: Partial<StepRow> = {}): StepRow => ({
  ...{
    step_id,
    row_id,
    status: 'pending',
    claimed_by: null,
    last_update_ts: 0,
    payload: null,
    retry_count: 0,
    priority: 0,
  },
  ...{ created_ts: 0, max_retries: 3, version: 0, step_type: 't', run_at: 0, far_run_at: null, crashes: 0 },
  ...{ claim_token: null, claimed_incarnation: null, claimed_ts: null, settled_token: null, settled_version: null },
  ...{
    settled_by: null,
    earlier_settlements: null,
    submit_token: null,
    submit_index: null,
    payload_text: null,
    result: null,
    error: null,
  },
  ...more,
});

/** Every version of every row, with who committed it when. */
class Versions<R> {
  readonly #all = new Map<string, { at: number; session: number; row: R | undefined }[]>();

  write(key: string, row: R | undefined, session: number, at: number): void {
    const versions = this.#all.get(key) ?? [];
    this.#all.set(key, [...versions, { at, session, row }]);
  }

  seen(session: number, asOf: number): R[] {
    return [...this.#all.values()]
      .map((versions) => versions.filter((one) => one.session === session || one.at <= asOf).at(-1)?.row)
      .filter((row) => row !== undefined);
  }
}

const TYPES = ['t', 'u'];
const WHO = ['i1', 'i2', 'i3'];
const TOKENS = ['k1', 'k2', 'k3', 'k4'];

function randomChange(random: Seeded, row: StepRow, now: number): StepRow {
  const status = random.pick(['pending', 'claimed', 'completed', 'cancelled', 'confused']);
  const orNull = (all: readonly string[]) => (random.upTo(4) === 0 ? null : random.pick(all));
  return {
    ...row,
    status,
    version: row.version + 1,
    last_update_ts: now - random.upTo(30),
    claim_token: status === 'claimed' ? orNull(TOKENS) : null,
    claimed_incarnation: orNull(WHO),
    settled_token: orNull(TOKENS),
    settled_by: orNull(WHO),
    run_at: now - 50 + random.upTo(100),
    crashes: random.upTo(3) === 0 ? random.upTo(4) : 0,
    priority: random.upTo(3),
  };
}

const sorted = (rows: Iterable<StepRow>) => [...rows].sort((a, b) => (a.row_id < b.row_id ? -1 : 1));
const texts = (rows: Iterable<unknown>) => [...rows].map((row) => JSON.stringify(row)).sort();

function compareSteps(view: View, rows: readonly StepRow[], now: number): void {
  const ids = [...new Set(['never', ...rows.map(({ step_id }) => step_id)])];
  const of = (id: string) => rows.filter(({ step_id }) => step_id === id);
  const where = (holds: (row: StepRow) => boolean) => sorted(rows.filter(holds));
  expect(sorted(view.allSteps())).toEqual(sorted(rows));
  for (const id of ids) expect(sorted(view.stepsById(id))).toEqual(sorted(of(id)));
  for (const k of TOKENS) {
    expect(view.isTokenUsed(k)).toBe(rows.some((row) => row.claim_token === k || row.settled_token === k));
    expect(sorted(view.stepsByToken(k))).toEqual(where((row) => row.claim_token === k || row.settled_token === k));
  }
  expect(sorted(view.claimed())).toEqual(where(({ status }) => status === 'claimed'));
  expect([...view.severalRows()].sort()).toEqual(ids.filter((id) => of(id).length > 1).sort());
  expect(view.stepCount()).toBe(rows.length);
  expect(view.claimedCount()).toBe(rows.filter((row) => row.status === 'claimed' && understood(row)).length);
  for (const who of WHO) {
    const [claims, touched] = [
      where((row) => row.status === 'claimed' && row.claimed_incarnation === who),
      where((row) => actorOf(row) !== null && actorOf(row) !== who).map((row) => row.last_update_ts),
    ];
    expect(sorted(view.claimedBy(who))).toEqual(claims);
    expect(view.lastOfOthers(who)).toBe(touched.length === 0 ? undefined : Math.max(...touched));
  }
  const waiting = ids.map((id) => waitingStepOf(of(id))).filter((step) => step !== undefined);
  for (const type of TYPES) {
    const all = waiting.filter(({ its_type }) => its_type === type).sort(byRank);
    const [due, later] = [all.filter(({ due_ts }) => due_ts <= now), all.filter(({ due_ts }) => due_ts > now)];
    const seen = view.waitingOf(type);
    for (const suspects of [false, true]) {
      const some = due.filter(({ struck }) => struck > 1 === suspects);
      expect([...seen.inOrder(now, suspects)]).toEqual(some);
      expect(seen.countDue(now, suspects)).toBe(some.length);
    }
    for (const most of [0, 1, 2, Number.MAX_SAFE_INTEGER]) {
      const since = all.filter(({ due_ts, struck }) => due_ts <= now - 20 && struck <= most).length;
      expect(seen.countSince(now - 20, most)).toBe(since);
    }
    expect(seen.nextAfter(now)).toBe(later.length === 0 ? undefined : Math.min(...later.map(({ due_ts }) => due_ts)));
    const first = {
      first_ts: Math.min(...due.map(({ due_ts }) => due_ts)),
      struck: Math.min(2, ...due.map(({ struck }) => struck)),
    };
    expect(seen.firstDue(now)).toEqual(due.length === 0 ? undefined : first);
  }
}

function compareOthers(view: View, requests: readonly RequestRow[], signs: readonly PodLogRow[], now: number): void {
  expect(texts(view.requests())).toEqual(texts(requests));
  expect(texts(view.requestsSince(now - 20))).toEqual(texts(requests.filter(({ asked_ts }) => asked_ts > now - 20)));
  expect([...view.requestsBackwards()].map(({ asked_ts }) => asked_ts)).toEqual(
    requests.map(({ asked_ts }) => asked_ts).sort((a, b) => b - a),
  );
  const newest = WHO.flatMap((who) => {
    const its = requests.filter((row) => row.incarnation === who && row.asked_ts > now - 30);
    return its.length === 0 ? [] : [`${who} ${Math.max(...its.map(({ seq }) => seq))}`];
  });
  expect(
    view
      .newestRequests(30, now)
      .map((row) => `${row.incarnation} ${row.seq}`)
      .sort(),
  ).toEqual(newest);
  expect(texts(view.podLog())).toEqual(texts(signs));
  for (const who of WHO)
    expect(texts(view.podLogOf(who))).toEqual(texts(signs.filter(({ incarnation }) => incarnation === who)));
}

test(`views show own writes, and others' as of their instant, over ${SEEDS} seeds`, () => {
  let late = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = seeded(seed);
    const steps = new Versions<StepRow>();
    const requests = new Versions<RequestRow>();
    const signs = new Versions<PodLogRow>();
    const seen: TableChange[] = [];
    const tables = new ModelledTables({ onChange: (change) => seen.push(change) });
    let [now, rowCount, others] = [1_000, 0, 0];
    let again: (() => void) | undefined;
    for (let commit = 0; commit < 60; commit++) {
      now += random.upTo(3) * random.upTo(20);
      const session = 1 + random.upTo(3);
      const all = steps.seen(session, Infinity);
      const ids = [...new Set(all.map(({ step_id }) => step_id))].filter(() => random.upTo(4) === 0);
      const effect = random.pick<() => Effect>([
        () => ({
          rows: [],
          insertSteps: Array.from({ length: random.upTo(4) }, () =>
            randomChange(random, row(`s${random.upTo(20)}`, `r${++rowCount}`, { step_type: random.pick(TYPES) }), now),
          ).map((row) => (random.upTo(3) > 0 ? { ...row, status: 'pending' } : row)),
        }),
        () => ({
          rows: [],
          update: ids.map((step_id) => {
            const [isKept, draw] = [random.upTo(3) === 0, random.upTo(1e6)];
            return {
              step_id,
              guard: ({ row_id }) => isKept || Number(row_id.slice(1)) % 3 > 0,
              change: (row, at) => (isKept ? row : randomChange(seeded(draw + Number(row.row_id.slice(1))), row, at)),
            };
          }),
        }),
        () => ({
          rows: [],
          deleteSteps: ids.map((step_id) => ({ step_id, guard: ({ status }) => status === 'cancelled' })),
        }),
        () => ({ rows: [], insertRequests: [request(++others, random.pick(WHO), now - random.upTo(40))] }),
        () => ({ rows: [], deleteRequests: ({ token }) => Number(token.slice(1)) % 5 === 0 }),
        () => ({ rows: [], insertPodLog: [sign(random.pick(WHO), ++others, now)] }),
        () => ({ rows: [], deletePodLog: ({ seq }) => (seq ?? 0) % 5 === 0 }),
      ])();
      for (const update of effect.update ?? [])
        for (const row of all.filter((row) => row.step_id === update.step_id && update.guard(row)))
          steps.write(row.row_id, update.change(row, now), session, now);
      for (const { step_id, guard } of effect.deleteSteps ?? [])
        for (const row of all.filter((row) => row.step_id === step_id && guard(row)))
          steps.write(row.row_id, undefined, session, now);
      for (const row of effect.insertSteps ?? []) steps.write(row.row_id, row, session, now);
      for (const row of effect.insertRequests ?? []) requests.write(row.token, row, session, now);
      for (const row of requests.seen(session, Infinity))
        if (effect.deleteRequests?.(row) === true) requests.write(row.token, undefined, session, now);
      for (const row of effect.insertPodLog ?? []) signs.write(String(row.seq), row, session, now);
      for (const row of signs.seen(session, Infinity))
        if (effect.deletePodLog?.(row) === true) signs.write(String(row.seq), undefined, session, now);
      seen.length = 0;
      const { changes } = tables.commit(effect, session, now);
      expect(seen).toEqual(changes);

      for (const asOf of [Infinity, now - random.upTo(10), now - random.upTo(200)]) {
        const reader = random.upTo(4);
        const logAsOf = random.upTo(2) === 0 ? asOf : now - random.upTo(200); // it may be read as of another time
        const view = tables.view(reader, asOf, logAsOf);
        const rows = steps.seen(reader, asOf);
        if (JSON.stringify(rows) !== JSON.stringify(steps.seen(reader, Infinity))) late++;
        const [asked, said, at] = [requests.seen(reader, asOf), signs.seen(reader, logAsOf), now];
        const compare = (): void => {
          compareSteps(view, rows, at);
          compareOthers(view, asked, said, at);
        };
        compare();
        if (random.upTo(10) === 0) again = compare;
      }
      again?.();
    }
  }
  expect(late).toBeGreaterThan(SEEDS);
});

/** Two neighbours come in the wrong order now and then. */
const request = (nth: number, incarnation: string, asked_ts: number): RequestRow => ({
  ...{
    token: `k${nth}`,
    pod_id: 'p',
    incarnation,
    seq: nth % 7 === 0 ? nth - 20.5 : nth,
    group_id: 'g',
    free: 1,
    prefetch: 0,
    quarantine: 0,
  },
  ...{ limits: [], settlements: [], slot_ms: null, asked_ts },
});
const sign = (incarnation: string, seq: number, at_ts: number): PodLogRow => ({
  ...{ pod_id: 'p', incarnation, event: 'heartbeat', seq, at_ts },
  ...{ heartbeat_ms: null, dead_after_ms: null, eligible: 1, meta_text: null },
});
