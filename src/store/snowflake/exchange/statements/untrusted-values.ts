/**
 * How a statement reads values that another pod wrote.
 *
 * Invariant: no such value fails a statement, because the statement serves other pods too. A value that cannot be cast is
 * NULL, a number out of range is clamped, and what is no array, or a far too long one, is an empty array.
 */
import { isList } from '../../statements/fragments.js';

/** The longest delay of a retry that is accepted: a hundred years in ms. */
export const LONGEST_DELAY_MS = '3155760000000';
/** More slots than any pod has. */
export const MOST_SLOTS = '1000000';

export const numberOf = (value: string): string => `TRY_CAST(${value}::VARCHAR AS NUMBER(38,0))`;

/** The value, at least 0 and at most `most`. */
export const clamped = (value: string, most: string): string =>
  `CASE WHEN ${value} < 0 THEN 0 WHEN ${value} > ${most} THEN ${most} ELSE ${value} END`;

export const listOf = (value: string): string => `IFF(${isList(value)}, ${value}, ARRAY_CONSTRUCT())`;
