/**
 * How many steps a pod runs at a time: `concurrency`, or the two options of the Python FLEET-Q that it replaces.
 *
 * Invariants: both ways together are refused.
 */
import { show, ValidationError } from '../errors.js';

interface ConcurrencyOptions {
  readonly concurrency?: number;
  readonly maxParallelism?: number;
  readonly capacityThreshold?: number;
}

export const DEFAULT_CONCURRENCY = 8;

/**
 * Refuses `concurrency` beside the two options that it replaces.
 *
 * @param label how messages name an option: by itself, or by its environment variable
 * @throws ValidationError `OPTION_INVALID`
 */
export function refuseTwoConcurrencies(
  given: Readonly<Record<string, unknown>>,
  label: (option: keyof ConcurrencyOptions) => string = (option) => option,
): void {
  const { concurrency } = given;
  if (concurrency === undefined) return;
  for (const other of ['maxParallelism', 'capacityThreshold'] as const) {
    if (given[other] === undefined) continue;
    const problem =
      `cannot be given together with ${label(other)}, got ${show(concurrency)} and ${show(given[other])}; ` +
      `${label('concurrency')} alone says how many steps run at a time`;
    throw new ValidationError('OPTION_INVALID', label('concurrency'), problem);
  }
}

/** @throws ValidationError `OPTION_INVALID` */
export function concurrencyOf(options: ConcurrencyOptions): number {
  refuseTwoConcurrencies({ ...options });
  const { concurrency, maxParallelism, capacityThreshold } = options;
  if (maxParallelism === undefined && capacityThreshold === undefined) return concurrency ?? DEFAULT_CONCURRENCY;
  return Math.max(1, Math.floor((maxParallelism ?? 10) * (capacityThreshold ?? 0.8)));
}
