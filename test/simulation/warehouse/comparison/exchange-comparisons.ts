/**
 * The statements of the exchange, compared with their models. Their states are those of exchange-state.ts: what the texts of the
 * exchange leave open is not in them.
 */
import type { Random } from '../../../chaos/random.js';
import type { Comparison } from './comparison.js';
import type { AnsweredRow } from './emulated-tables.js';
import { NOW, RandomExchange } from './exchange-state.js';
import type { State } from './state.js';

/** A state about its instant, and what makes binds that fit it. */
function exchangeOf(random: Random, now: number): { readonly exchange: RandomExchange; readonly state: State } {
  const exchange = new RandomExchange(random.between(1, 1e9));
  const { steps, archived, requests, podLog } = exchange.state;
  const shift = now - NOW;
  const moved = <R extends object>(rows: readonly R[]): readonly R[] => rows.map((row) => later(row, shift));
  const state = { steps: moved(steps), archive: moved(archived), requests: moved(requests), podLog: moved(podLog) };
  return { exchange, state: { ...state, schemaInfo: [] } };
}

function later<R extends object>(row: R, ms: number): R {
  const moved = Object.entries(row).map(([column, value]: [string, unknown]) => [
    column,
    /_ts$|^run_at$/.test(column) && typeof value === 'number' ? value + ms : value,
  ]);
  return Object.fromEntries(moved) as R;
}

/** A comparison whose bind belongs to its state. */
function comparison(
  textOf: Comparison['textOf'],
  bindOf: (exchange: RandomExchange) => object,
  more: Pick<Comparison, 'shown'> = {},
): Comparison {
  const binds = new WeakMap<State, object>();
  return {
    textOf,
    makeState(random, now) {
      const { exchange, state } = exchangeOf(random, now);
      binds.set(state, bindOf(exchange));
      return state;
    },
    // An older state gets the bind of another one: its ids are of the same few.
    makeBind: (random, state, now) => binds.get(state) ?? bindOf(exchangeOf(random, now).exchange),
    ...more,
  };
}

/** Two claims of one step have no order between them: the ranks are shown as the order of their steps. */
function withoutRanks(rows: readonly AnsweredRow[]): readonly AnsweredRow[] {
  const claims = rows.filter((row) => row['KIND'] === 'claim');
  const order = [...claims].sort((a, b) => Number(a['RANK_NO']) - Number(b['RANK_NO'])).map((row) => row['ID']);
  const shown = rows.map((row) => (row['KIND'] === 'claim' ? { ...row, RANK_NO: 0 } : row));
  return [...shown, { KIND: 'order of claims', ID: order.join() }];
}

export const EXCHANGE_COMPARISONS = {
  exchange: comparison(
    ({ exchange }) => exchange.exchange,
    (random) => random.exchangeBind(),
  ),
  settle: comparison(
    ({ exchange }) => exchange.settle,
    (random) => random.settleBind(),
  ),
  ask: comparison(
    ({ exchange }) => exchange.ask,
    (random) => random.askBind(),
  ),
  look: comparison(
    ({ exchange }) => exchange.look,
    (random) => random.lookBind(),
    { shown: withoutRanks },
  ),
  receipts: comparison(
    ({ exchange }) => exchange.receipts,
    (random) => random.receiptsBind(),
  ),
  archivedReceipts: comparison(
    ({ exchange }) => exchange.archivedReceipts,
    (random) => random.receiptsBind(),
  ),
} as const satisfies Readonly<Record<string, Comparison>>;
