/** Lists in a bind. */
import { elements, varchar } from '../values.js';

/** The texts of a list, each once. NULL is a value here, too. */
export const distinctTexts = (list: unknown): ReadonlySet<string | null> => new Set(elements(list).map(varchar));
