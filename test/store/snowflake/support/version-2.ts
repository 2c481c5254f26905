/**
 * Schema version 2, from before requests had `slot_ms` and steps `earlier_settlements`, and a pod of that version: it exchanges directly,
 * one UPDATE and one look.
 */
import { SCHEMA, type Schema } from '../../../../src/store/snowflake/schema.js';
import type { PodRef } from '../../../../src/store/contract.js';
import { receipt } from '../../../../src/store/snowflake/exchange/statements/receipts.js';
import { waiting } from '../../../../src/store/snowflake/exchange/statements/waiting-steps.js';
import { claimColumns, cte, firstRows, withCtes } from '../../../../src/store/snowflake/statements/fragments.js';
import { statementsOf, type Statements } from '../../../../src/store/snowflake/statements.js';
import type { Names } from '../../../../src/store/snowflake/table-names.js';
import type { Driver, Row } from '../../../support/warehouse/driver.js';

const { slot_ms: _slotMs, ...EXCHANGE_REQUEST } = SCHEMA.tables.exchangeRequest;
const { earlier_settlements: _ofStep, ...STEP_TRACKER } = SCHEMA.tables.stepTracker;
const { earlier_settlements: _ofArchive, ...STEP_ARCHIVE } = SCHEMA.tables.stepArchive;

export const VERSION_2: Schema = {
  ...SCHEMA,
  version: 2,
  tables: {
    ...SCHEMA.tables,
    exchangeRequest: EXCHANGE_REQUEST,
    stepTracker: STEP_TRACKER,
    stepArchive: STEP_ARCHIVE,
  },
  migrations: (names, kind) =>
    SCHEMA.migrations(names, kind)
      .slice(0, 2)
      .map((texts) => texts.map((text) => text.replace(/^ {2}(slot_ms|earlier_settlements) .*\n/m, ''))),
};

/** Its statements of opening: they read no column that was added later. */
export function openingOfVersion2(names: Names): Statements['opening'] {
  const { opening } = statementsOf(names);
  return { ...opening, collated: opening.collated.replaceAll(', MAX(earlier_settlements)', '') };
}

/** The UPDATE of that version, as it was sent. */
const exchangeOfVersion2 = (names: Names): string =>
  statementsOf(names).exchange.exchange.replace(/,\n *earlier_settlements = .*$/m, '');

/** It compared with the last settlement alone. */
const receiptOfVersion2 = (names: Names): string =>
  receipt(names.stepTracker).replace(/\n *WHEN MAX\(IFF\(CONTAINS\(s\.earlier_settlements, .*$/m, '');

/** The look of that version, as it was sent. */
export const lookOfVersion2 = (names: Names): string => {
  const q = cte(
    'q',
    `SELECT b, b:incarnation::VARCHAR AS me, b:token::VARCHAR AS my_token, b:mostCrashes::NUMBER(38,0) AS most_crashes FROM (SELECT PARSE_JSON(?) AS b)`,
  );
  const wanted = cte(
    'wanted',
    `SELECT DISTINCT f.value::VARCHAR AS open_type FROM q, LATERAL FLATTEN(INPUT => q.b:types) f`,
  );
  const work = cte(
    'work',
    `SELECT COUNT(IFF(w.due_ts <= SYSDATE() AND w.struck <= q.most_crashes, 1, NULL)) AS due_count,
    MIN(IFF(w.due_ts > SYSDATE(), DATEDIFF(millisecond, SYSDATE(), w.due_ts), NULL)) AS next_ms
  FROM waiting w JOIN wanted y ON y.open_type = w.its_type CROSS JOIN q`,
  );
  const claim = cte(
    'claim',
    `SELECT s.step_id AS its_step, s.version AS seen, IFF(s.row_id = d.first_id AND d.taken = 1, 'first', 'void') AS state,
    ROW_NUMBER() OVER (ORDER BY s.priority DESC, s.run_at, s.created_ts, COALESCE(s.submit_index, 0), s.step_id) AS rank_no, ${claimColumns('s')},
    DATEDIFF(millisecond, s.run_at, SYSDATE()) AS due_for_ms
  FROM ${names.stepTracker} s JOIN q ON s.claim_token = q.my_token AND s.claimed_incarnation = q.me
  JOIN (${firstRows(names)}) d ON d.its_step = s.step_id
  WHERE s.status = 'claimed'`,
  );
  return `${withCtes(q, receiptOfVersion2(names), wanted, waiting(names), work, claim)}
SELECT 'claim' AS kind, its_step AS id, NULL AS guard, seen, state, rank_no, its_type, its_payload, its_priority, retries, most_retries, struck, run_at_ms, created_at_ms, due_for_ms FROM claim
UNION ALL
SELECT 'receipt', its_step, guard, seen, state, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM receipt
UNION ALL
SELECT 'work', NULL, NULL, due_count, NULL, next_ms, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM work`;
};

interface Held {
  readonly id: string;
  readonly token: string;
  readonly version: number;
}

export class PodOfVersion2 {
  readonly #driver: Driver;
  readonly #names: Names;
  readonly #pod: PodRef;
  readonly #group: string;
  readonly #types: readonly string[];
  #seq = Date.now();
  #held: readonly Held[] = [];

  /** @param group of the types, as every version works it out */
  constructor(driver: Driver, names: Names, pod: PodRef, types: readonly string[], group: string) {
    this.#driver = driver;
    this.#names = names;
    this.#pod = pod;
    this.#types = types;
    this.#group = group;
  }

  /** Registers the pod, or sends a heartbeat. */
  async sign(event: 'registered' | 'heartbeat'): Promise<void> {
    const { podId: pod, incarnation } = this.#pod;
    const limits = { heartbeatMs: 1_000, deadAfterMs: 86_400_000, eligible: 1 };
    const { sign } = statementsOf(this.#names).pods;
    await this.#run(sign, { pod, incarnation, event, seq: ++this.#seq, ...limits, meta: '{}' });
  }

  /** Hands in that the steps of the last exchange are completed, and claims others. */
  async exchange(token: string, free = 5): Promise<{ readonly claimed: string[]; readonly settled: string[] }> {
    const { podId: pod, incarnation } = this.#pod;
    const limits = this.#types.map((type) => ({ type, most: free }));
    const settlements = this.#held.map((one) => ({ ...one, status: 'completed', charge: 0, crash: 0 }));
    const mine = { token, pod, incarnation, seq: ++this.#seq, group: this.#group, free, prefetch: 0, quarantine: 0 };
    const own = { ...mine, limits, settlements };
    await this.#run(exchangeOfVersion2(this.#names), {
      windowMs: 60_000,
      group: this.#group,
      skip: 0,
      own,
    });
    const rows = await this.#run(lookOfVersion2(this.#names), {
      ...{ incarnation, token, types: this.#types, mostCrashes: 1, mine: this.#held },
    });
    const of = (kind: string, state: string) => rows.filter(({ KIND, STATE }) => KIND === kind && STATE === state);
    const claims = of('claim', 'first');
    this.#held = claims.map(({ ID, SEEN }) => ({ id: String(ID), token, version: Number(SEEN) }));
    return { claimed: claims.map(({ ID }) => String(ID)), settled: of('receipt', 'mine').map(({ ID }) => String(ID)) };
  }

  #run(text: string, bind: object): Promise<Row[]> {
    return this.#driver.run(text, [JSON.stringify(bind)]);
  }
}
