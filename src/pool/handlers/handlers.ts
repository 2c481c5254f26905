/** The step types that this pod handles. */
import { FleetQError } from '../../errors.js';
import type { StepRegistry } from '../../step/step-registry.js';
import { TypeHandler } from './type-handler.js';

export class Handlers {
  readonly #byType = new Map<string, TypeHandler>();
  /** For a claim of a type that is not handled here: such a claim is given back at once and never runs. */
  readonly none = new TypeHandler({
    type: '',
    schema: undefined,
    run: () => {
      throw new FleetQError('STEP_TYPE_INVALID', 'no handler');
    },
  });

  readonly #registry: StepRegistry;
  readonly #timeoutMs: number | undefined;

  /** @param timeoutMs for types that have none of their own */
  constructor(registry: StepRegistry, timeoutMs: number | undefined) {
    this.#registry = registry;
    this.#timeoutMs = timeoutMs;
  }

  /** Adds the step types that have been registered since the last call. */
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
