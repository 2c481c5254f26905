/** The INSERT that logs a request. It waits for no lock of the steps, whatever the other pods do. */
import type { Names } from '../../table-names.js';
import { numberOf } from './untrusted-values.js';

/** Bind: the request, as `own` of the exchange's bind. */
export const askOf = (
  names: Names,
): string => `INSERT INTO ${names.exchangeRequest} (token, pod_id, incarnation, seq, group_id, free, prefetch, quarantine, limits, settlements, slot_ms, asked_ts)
SELECT b:token::VARCHAR, b:pod::VARCHAR, b:incarnation::VARCHAR, b:seq::NUMBER(38,0), b:group::VARCHAR, b:free::NUMBER(38,0), b:prefetch::NUMBER(38,0),
  b:quarantine::NUMBER(38,0), b:limits, b:settlements, ${numberOf('b:slotMs')}, SYSDATE()
FROM (SELECT PARSE_JSON(?) AS b)`;
