/** Hides the args, metadata, results and errors of some step types. */
import type { HttpOptions } from '../options.js';

export interface Redaction {
  /** Whether answers hide what steps of this type carry. */
  hides(type: string): boolean;
}

export function redaction(redact: HttpOptions['redact']): Redaction {
  return { hides: (type) => (typeof redact === 'boolean' ? redact : (redact?.includes(type) ?? false)) };
}
