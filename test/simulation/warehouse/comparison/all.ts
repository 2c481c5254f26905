/** Every statement that is compared with its model, and the command that repeats a seed. */
import { EXCHANGE_COMPARISONS } from './exchange-comparisons.js';
import { HOUSEKEEPING_COMPARISONS, POD_COMPARISONS, STORE_COMPARISONS } from './pod-comparisons.js';
import { STEP_COMPARISONS } from './step-comparisons.js';
import type { CompareOptions, Deviation } from './compare.js';

export const ALL: CompareOptions = {
  comparisons: {
    ...EXCHANGE_COMPARISONS,
    ...STEP_COMPARISONS,
    ...POD_COMPARISONS,
    ...HOUSEKEEPING_COMPARISONS,
    ...STORE_COMPARISONS,
  },
};

/** A deviation for people. */
export function described({ seed, statement, isSourceOld, bind, difference }: Deviation): string {
  const { where, model, text } = difference;
  return [
    `${statement}${isSourceOld ? ', with an old source' : ''}: the model is not as its text, in ${where}`,
    `  model ${JSON.stringify(model)}`,
    `  text  ${JSON.stringify(text)}`,
    `  bind  ${JSON.stringify(bind)?.slice(0, 2_000)}`,
    `Repeat it: npm run sim:statements -- --states 1 --seed ${seed}`,
  ].join('\n');
}
