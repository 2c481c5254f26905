/** The flags of `fleet-q submit`. */
import type { Format } from '../output/records.js';
import type { StoreFlags } from '../store-option.js';

export interface SubmitFlags extends StoreFlags {
  readonly metadata?: string;
  readonly priority?: number;
  readonly maxRetries?: number;
  readonly delay?: number;
  readonly runAt?: Date;
  readonly stepId?: string;
  readonly idempotencyKey?: string;
  readonly wait?: number | true;
  readonly jsonl?: true;
  readonly output: Format;
}
