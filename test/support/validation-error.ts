import { expect } from 'vitest';
import { ValidationError } from '../../src/errors.js';

/** The `ValidationError` that `work` throws. */
export function validationErrorOf(work: () => unknown): ValidationError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ValidationError);
    return error as ValidationError;
  }
  throw new Error('nothing was thrown');
}
