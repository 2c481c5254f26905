/**
 * The step types that this pod handles, each with its limits.
 *
 * Law: `p-limit` bounds a type that states `concurrency`. It counts a handler until it has really returned, so strays
 * count too; a claim is started only where there is room, so nothing ever waits inside of it.
 */
import pLimit, { type LimitFunction } from 'p-limit';
import { FleetQError } from '../../errors.js';
import type { RegisteredStep } from '../../step/definition.js';
import type { StepRegistry } from '../../step/registry.js';

/** How much a new duration counts in the mean. */
const NEWEST_COUNTS = 0.2;

export class TypeHandler {
  readonly definition: RegisteredStep;
  /** `Infinity`: no time-out. */
  readonly timeoutMs: number;
  readonly limit: LimitFunction | undefined;
  /** Claims of this type that are held unstarted. */
  unstarted = 0;
  strays = 0;
  #meanMs: number | undefined = undefined;

  /** @param timeoutMs where the type states none */
  constructor(definition: RegisteredStep, timeoutMs = Infinity) {
    this.definition = definition;
    this.timeoutMs = definition.timeoutMs === null ? Infinity : (definition.timeoutMs ?? timeoutMs);
    this.limit = definition.concurrency === undefined ? undefined : pLimit(definition.concurrency);
  }

  /** How many more may start now. */
  get room(): number {
    return this.limit === undefined ? Infinity : this.limit.concurrency - this.limit.activeCount;
  }

  /** A handler of this type has returned. Only limited types ask. */
  took(durationMs: number): void {
    this.#meanMs = this.#meanMs === undefined ? durationMs : this.#meanMs + NEWEST_COUNTS * (durationMs - this.#meanMs);
  }

  /** How many more claims of this type are useful: for the room there is, and what will become room within `spanMs`. */
  useful(spanMs: number): number {
    if (this.limit === undefined) return Infinity;
    const lanes = this.limit.concurrency - this.strays;
    const coming = this.#meanMs === undefined ? 0 : Math.floor((lanes * spanMs) / Math.max(this.#meanMs, 0.01));
    return Math.max(0, this.room + coming - this.unstarted);
  }
}

export class Handlers {
  readonly #byType = new Map<string, TypeHandler>();
  /** Stands in for a type that is not handled here: such a claim is only given back. */
  readonly none = new TypeHandler({
    type: '',
    schema: undefined,
    run: () => {
      throw new FleetQError('STEP_TYPE_INVALID', 'no handler');
    },
  });

  readonly #registry: StepRegistry;
  readonly #timeoutMs: number | undefined;

  /** @param timeoutMs of types that state none */
  constructor(registry: StepRegistry, timeoutMs: number | undefined) {
    this.#registry = registry;
    this.#timeoutMs = timeoutMs;
  }

  /** Takes over what has been registered. */
  load(): void {
    for (const type of this.#registry.types) {
      const definition = this.#registry.get(type);
      if (definition === undefined || this.#byType.has(type)) continue;
      this.#byType.set(type, new TypeHandler(definition, this.#timeoutMs));
    }
  }

  get(type: string): TypeHandler | undefined {
    return this.#byType.get(type);
  }

  get all(): ReadonlyMap<string, TypeHandler> {
    return this.#byType;
  }
}
