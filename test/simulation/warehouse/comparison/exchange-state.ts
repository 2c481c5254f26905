/**
 * Random states of the tables, and random binds, for the statements of the exchange: duplicate rows of one step, rows and requests written
 * by hand, requests of every age.
 *
 * What the texts leave open does not occur: two requests of one incarnation with one number, two settlements of one claim in one request.
 */
import { createHash } from 'node:crypto';
import type { ArchivedRow, PodLogRow, RequestRow, StepRow } from '../tables.js';
import { type Seeded, seeded } from '../tables/seeded.js';

/** The instant of every state. */
export const NOW = 1_800_000_000_000;
const TOO_LARGE = 9_007_199_254_740_001;

const TYPES = ['t', 'u', 'v'];
const STATUSES = ['completed', 'failed', 'cancelled'];
const GROUPS = ['g', 'h'];
const range = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i + 1}`);
const STEPS = range('s', 16);
const WHO = range('i', 7);
/** Claims and settlements carry these; requests have some of them, which are served then. */
const TOKENS = range('k', 12);

export interface State {
  readonly steps: readonly StepRow[];
  readonly archived: readonly ArchivedRow[];
  readonly requests: readonly RequestRow[];
  readonly podLog: readonly PodLogRow[];
}

export class RandomExchange {
  readonly random: Seeded;
  readonly state: State;
  #rows = 0;
  #seq = 0;
  readonly #freeTokens = range('q', 40);

  constructor(seed: number) {
    this.random = seeded(seed);
    const { random } = this;
    const most = random.pick([3, 10, 40]);
    const steps = Array.from({ length: random.upTo(most + 1) }, () => this.step(random.pick(STEPS.slice(0, most))));
    this.state = {
      steps,
      archived: Array.from({ length: random.upTo(4) }, () => ({
        ...this.step(random.pick(STEPS)),
        status: random.pick(STATUSES),
        archived_ts: NOW - 1_000,
      })),
      requests: [],
      podLog: Array.from({ length: random.upTo(4) }, () => this.#sign()),
    };
    const requests = Array.from({ length: random.upTo(7) }, () => this.request());
    this.state = { ...this.state, requests };
  }

  /** Once in `many` times. */
  #once(many: number): boolean {
    return this.random.upTo(many) === 0;
  }

  #orNull<T>(all: readonly T[], once = 4): T | null {
    return this.#once(once) ? null : this.random.pick(all);
  }

  step(step_id: string): StepRow {
    const { random } = this;
    const row_id = `w${random.upTo(1_000_000)}-${++this.#rows}`;
    const drawn = random.upTo(100);
    const status = drawn < 52 ? 'pending' : drawn < 76 ? 'claimed' : drawn < 97 ? random.pick(STATUSES) : 'confused';
    const type = this.#once(20) ? null : (TYPES[Number(step_id.slice(1)) % 3] ?? null);
    return {
      step_id,
      row_id,
      status,
      claimed_by: this.#orNull(['p', 'r']),
      last_update_ts: NOW - random.upTo(5_000),
      payload: this.#once(3) ? null : { type: this.#once(3) ? 't' : 'u' },
      retry_count: random.upTo(3),
      priority: random.upTo(3) - 1,
      created_ts: NOW - 100 * random.upTo(3),
      max_retries: this.#once(40) ? -1 : 3,
      version: this.#once(40) ? random.pick([-1, TOO_LARGE]) : random.upTo(4),
      step_type: type,
      run_at: NOW + random.pick([-700_000, -9_000, -5_001, -5_000, -4_999, -900, -3, 0, 0, 1, 700, 60_000]),
      far_run_at: this.#once(30) ? random.pick([5e15, TOO_LARGE]) : null,
      crashes: this.#once(2) ? 0 : random.upTo(4),
      claim_token: status === 'claimed' ? this.#orNull(TOKENS, 20) : this.#once(20) ? random.pick(TOKENS) : null,
      claimed_incarnation: this.#orNull(WHO),
      claimed_ts: this.#orNull([NOW - 500]),
      settled_token: this.#once(2) ? this.random.pick(TOKENS) : null,
      settled_version: this.#orNull([0, 1, 2, 3]),
      settled_by: this.#orNull(WHO),
      earlier_settlements: this.#earlier(),
      submit_token: null,
      submit_index: this.#orNull([0, 1, 2]),
      payload_text: this.#orNull(['{"type":"t","args":[1,"é"]}']),
      result: this.#orNull(['"done"'], 2),
      error: this.#orNull(['{"code":"X"}'], 2),
    };
  }

  /** Settlements of this state's tokens and incarnations, up to more than a row remembers. */
  #earlier(): string | null {
    if (this.#once(2)) return null;
    const { random } = this;
    const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
    const settlements = Array.from({ length: this.#once(4) ? 20 : 1 + random.upTo(3) }, () =>
      md5(`${md5(random.pick(TOKENS))}${random.upTo(4)} ${random.pick(WHO)}`),
    );
    return settlements.join('');
  }

  request(): RequestRow {
    const { random } = this;
    const group_id = random.pick(GROUPS);
    const age = random.pick([
      0, 1, 3, 500, 900, 4_999, 5_000, 30_000, 59_999, 60_000, 60_001, 4e6, -1_000, -59_999, -60_000,
    ]);
    const token = this.#once(6) ? random.pick(TOKENS) : this.#freeTokens.splice(0, 1)[0];
    return {
      token: this.state.requests.some((one) => one.token === token) ? `${token}x${this.#seq}` : (token ?? 'k0'),
      pod_id: 'p',
      incarnation: random.pick(WHO),
      seq: (this.#seq += 2) - (this.#once(8) ? 11 : 0),
      group_id,
      free: this.#once(20) ? random.pick([-5, 2_000_000]) : random.upTo(5),
      prefetch: this.#once(20) ? -1 : random.upTo(5),
      quarantine: this.#once(20) ? random.pick([-1, 7]) : random.upTo(2),
      limits: this.#once(12) ? this.#odd() : this.#limits(group_id),
      settlements: this.#once(12) ? this.#odd() : this.settlements(),
      slot_ms: this.#once(3) ? null : random.pick([-5, 0, 100, 250, 251, 400, 600_000, 600_001]),
      asked_ts: NOW - age,
    };
  }

  /** What a pod of another hand may have written. */
  #odd(): unknown {
    return this.random.pick([
      null,
      7,
      'text',
      {},
      { a: 1 },
      [null, 7, 'x', [], {}, { id: 5, token: {}, version: 'soon', type: 3 }],
    ]);
  }

  #limits(group: string): unknown {
    const types = (group === 'g' ? ['t', 'u'] : ['v', 'u']).filter(() => !this.#once(4));
    const all = types.map((type) => ({ type, most: this.#once(15) ? this.#number() : 1 + this.random.upTo(5) }));
    return this.#once(10) ? [...all, { type: 't', most: this.random.upTo(9) }] : all;
  }

  /** A number as it may come. */
  #number(): unknown {
    return this.random.pick(['many', '3', '2.5', -4, 1e9, 0, true, {}, null, '1e99', '']);
  }

  /** Of some steps, most of them for claims that stand. No step twice. */
  settlements(): unknown[] {
    const { random } = this;
    const all = new Map<string, object>();
    for (let more = random.upTo(6); more > 0; more--) {
      const claimed = this.state.steps.filter(({ status }) => status === 'claimed');
      const row = claimed.length > 0 && !this.#once(6) ? random.pick(claimed) : undefined;
      const id = row?.step_id ?? random.pick(STEPS);
      all.set(id, {
        id,
        token: this.#once(10) ? random.pick(TOKENS) : (row?.claim_token ?? 'k1'),
        version: this.#once(10) ? random.upTo(4) : this.#once(10) ? String(row?.version ?? 1) : (row?.version ?? 0),
        status: this.#once(15)
          ? random.pick(['claimed', 'undone', 7])
          : random.pick(['pending', 'pending', ...STATUSES]),
        charge: this.#once(10) ? this.#number() : random.upTo(2),
        crash: this.#once(10) ? this.#number() : random.upTo(2),
        ...(this.#once(2) ? { result: random.pick(['7', '"é"']) } : {}),
        ...(this.#once(2) ? { error: '{"code":"E"}' } : {}),
        ...(this.#once(2) ? { delayMs: this.#once(5) ? this.#number() : random.upTo(3) * 1_000 } : {}),
      });
    }
    return [...all.values()];
  }

  /** The bind of `exchange`. */
  exchangeBind(): object {
    const { random } = this;
    const { pod_id: pod, group_id: group, asked_ts: _at, slot_ms: _slot, ...own } = this.request();
    return {
      windowMs: random.pick([0, 60_000, 60_000, 60_000]),
      group: this.#once(4) ? random.pick(GROUPS) : group,
      ...(this.#once(3) ? {} : { skip: this.#once(8) ? this.#number() : random.upTo(2) * random.upTo(12) }),
      own: this.#once(4) ? null : { ...own, pod, group },
    };
  }

  settleBind(): object {
    const all = this.settlements();
    const again = this.#once(2) ? this.settlements() : [];
    return { incarnation: this.random.pick(WHO), settlements: [...all, ...again] };
  }

  lookBind(): object {
    const { random } = this;
    const known = this.state.requests.map(({ token }) => token);
    return {
      ...this.receiptsBind(),
      tokens: TOKENS.filter(() => this.#once(2)),
      ...(this.#once(4) ? {} : { token: known.length > 0 && !this.#once(8) ? random.pick(known) : 'k99' }),
      group: random.pick(GROUPS),
      windowMs: 60_000,
      types: TYPES.filter(() => this.#once(2)),
      mostCrashes: random.pick([0, 1, 2, Number.MAX_SAFE_INTEGER]),
      overdueMs: random.pick([0, 3, 1_000, 5_000]),
      expected: STEPS.filter(() => this.#once(5)),
    };
  }

  receiptsBind(): object {
    const { random } = this;
    const mine = Array.from({ length: random.upTo(8) }, () => {
      const row = this.state.steps.length > 0 ? random.pick([...this.state.steps, ...this.state.archived]) : undefined;
      const settled = this.#once(2);
      return {
        id: row?.step_id ?? random.pick(STEPS),
        token: (settled ? row?.settled_token : row?.claim_token) ?? random.pick(TOKENS),
        version: (settled ? row?.settled_version : row?.version) ?? random.upTo(4),
      };
    });
    return { incarnation: random.pick(WHO), mine };
  }

  askBind(): object {
    const { pod_id: pod, group_id: group, asked_ts: _at, slot_ms: slotMs, ...request } = this.request();
    return { ...request, pod, group, ...(slotMs === null ? {} : { slotMs: this.#once(5) ? this.#number() : slotMs }) };
  }

  #sign(): PodLogRow {
    return {
      pod_id: 'p',
      incarnation: this.random.pick(WHO),
      event: this.random.pick(['left', 'evicted', 'heartbeat', 'registered']),
      seq: ++this.#seq,
      at_ts: NOW - 10_000,
      ...{ heartbeat_ms: null, dead_after_ms: null, eligible: 1, meta_text: null },
    };
  }
}
