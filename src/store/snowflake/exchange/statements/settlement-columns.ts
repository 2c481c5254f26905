/** The settlements of a bind, as columns. */
import { clamped, LONGEST_DELAY_MS, numberOf } from './untrusted-values.js';

/**
 * The columns of one settlement: { id, token, version, status, result?, error?, delayMs?, charge, crash }. `result` and
 * `error` are stored exactly as they were sent.
 */
export const settlement = (
  v: string,
): string => `${v}:id::VARCHAR AS its_step, ${v}:token::VARCHAR AS guard, ${numberOf(`${v}:version`)} AS seen,
    ${v}:status::VARCHAR AS becomes, ${v}:result::VARCHAR AS its_result, ${v}:error::VARCHAR AS its_error,
    IFF(${v}:status::VARCHAR = 'pending', ${clamped(numberOf(`${v}:delayMs`), LONGEST_DELAY_MS)}, NULL) AS delay_ms,
    IFF(${numberOf(`${v}:charge`)} = 1, 1, 0) AS burn, IFF(${numberOf(`${v}:crash`)} = 1, 1, 0) AS crash`;

/** The states that a settlement may bring a step to. */
export const SETTLES = `('pending', 'completed', 'failed', 'cancelled')`;
