/** The instants before which something is old enough for housekeeping. */

/** As many ms before now as the bind says. NULL makes nothing old. */
export const limitOf = (bind: unknown, field: string, now: number): number => now - (number(path(bind, field)) ?? NaN);
import { number, path } from '../values.js';
