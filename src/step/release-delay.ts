/** Checks the options of `ctx.release`. */
import { checkFields, milliseconds, type FieldChecks } from '../input/field-checks.js';
import type { ReleaseOptions } from './handler-context.js';

const DEFAULT_MS = 5_000;
const FIELDS: FieldChecks = { delayMs: milliseconds };

/** How long until the step is due again, in ms. @throws ValidationError `STEP_INVALID` */
export function releaseDelay(options: ReleaseOptions = {}): number {
  checkFields(options, FIELDS, 'STEP_INVALID', 'release');
  return options.delayMs ?? DEFAULT_MS;
}
