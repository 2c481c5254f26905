/** The instants before which something is old enough for housekeeping. */
import { numeric, part } from './values.js';

/** As many ms before now as the bind says. NULL makes nothing old. */
export const limitOf = (bind: unknown, field: string, now: number): number => now - (numeric(part(bind, field)) ?? NaN);
