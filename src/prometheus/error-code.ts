/** The code of an error as a label: a code of this library, or `other`. */
import { FleetQError } from '../errors.js';
import { OTHER } from './type-labels.js';

export function errorCodeOf(error: unknown): string {
  return error instanceof FleetQError ? error.code : OTHER;
}
