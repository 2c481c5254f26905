import type { Patch } from '../../mutants/patch.js';
import type { WorldName } from '../plan/plan.js';

/** A deliberate defect of the library. While it is applied, some history must break a rule. */
export interface Mutant extends Patch {
  /** Where it is looked for. */
  readonly world: WorldName;
  /** What goes wrong because of it. */
  readonly why: string;
  /**
   * It changes a text of SQL. The modelled warehouse runs a model of that text, so histories stay as they are; the comparison of the
   * model with the text finds it. This is the name of the comparison.
   */
  readonly compared?: string;
}
