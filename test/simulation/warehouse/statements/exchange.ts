/** The models of the statements of the exchange, by their names in `ExchangeStatements`. */
import type { ExchangeStatements } from '../../../../src/store/snowflake/exchange/statements.js';
import type { StatementModel } from '../tables.js';
import { number, path, tryNumber, varchar } from '../values.js';
import { look } from './exchange-look.js';
import { archivedReceipts, receipts } from './exchange-receipts.js';
import { settle } from './exchange-settlements.js';
import { exchange } from './exchange-update.js';

/** `exchange.ask`: logs a request. */
const ask: StatementModel = (_, { bind, now }) => ({
  rows: [],
  insertRequests: [
    {
      token: needed(varchar(path(bind, 'token'))),
      pod_id: needed(varchar(path(bind, 'pod'))),
      incarnation: needed(varchar(path(bind, 'incarnation'))),
      seq: needed(number(path(bind, 'seq'))),
      group_id: needed(varchar(path(bind, 'group'))),
      free: needed(number(path(bind, 'free'))),
      prefetch: needed(number(path(bind, 'prefetch'))),
      quarantine: needed(number(path(bind, 'quarantine'))),
      limits: path(bind, 'limits'),
      settlements: path(bind, 'settlements'),
      slot_ms: tryNumber(path(bind, 'slotMs')),
      asked_ts: now,
    },
  ],
});

function needed<T>(value: T | null): T {
  if (value === null) throw new Error('NULL result in a non-nullable column');
  return value;
}

/** All of them. The source is sent only as a part of the UPDATE. */
export const exchangeModels: Readonly<Record<Exclude<keyof ExchangeStatements, 'source'>, StatementModel>> = {
  exchange,
  settle,
  ask,
  look,
  receipts,
  archivedReceipts,
};
