/** Tells of an outage once when it begins, and once when it is over, however often the operation failed in between. */
import { asError } from '../errors.js';
import type { Events } from '../events.js';
import type { Log } from '../log.js';
import type { Runtime } from '../runtime/runtime.js';

export interface OutageParts {
  readonly runtime: Runtime;
  readonly events: Events;
  readonly log: Log;
}

export class Outage {
  readonly #parts: OutageParts;
  readonly #operation: string;
  #since: number | undefined;

  constructor(parts: OutageParts, operation: string) {
    this.#parts = parts;
    this.#operation = operation;
  }

  failed(thrown: unknown): void {
    const error = asError(thrown);
    const operation = this.#operation;
    this.#parts.log.warn({ operation, error: error.message }, 'an operation failed');
    if (this.#since !== undefined) return;
    this.#since = this.#parts.runtime.monotonicMs();
    this.#parts.events.emit('store:error', { operation, error });
  }

  /** The operation went through. */
  over(): void {
    if (this.#since === undefined) return;
    const downMs = this.#parts.runtime.monotonicMs() - this.#since;
    this.#since = undefined;
    this.#parts.events.emit('store:recovered', { operation: this.#operation, downMs });
  }
}
