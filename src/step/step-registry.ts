/**
 * The step types that are registered on a queue. The client reads their schemas and defaults, the pool their handlers.
 *
 * Invariants: a type is registered once, and none is added after the queue has started.
 */
import { FleetQError, show, ValidationError } from '../errors.js';
import { checkDefinition, type RegisteredStep } from './definition.js';

export class StepRegistry {
  readonly #steps = new Map<string, RegisteredStep>();
  #types: readonly string[] = [];
  #sealed = false;

  /**
   * Adds a definition.
   *
   * @throws ValidationError `STEP_TYPE_INVALID`, `STEP_TYPE_DUPLICATE`
   * @throws FleetQError `REGISTER_LATE` once the queue has started
   */
  add(definition: unknown): void {
    const step = checkDefinition(definition);
    if (this.#sealed)
      throw new FleetQError(
        'REGISTER_LATE',
        `step type ${show(step.type)}: the queue has started; register all types before start()`,
      );
    if (this.#steps.has(step.type)) {
      throw new ValidationError(
        'STEP_TYPE_DUPLICATE',
        'step.type',
        `${show(step.type)} is registered already; register each type once, or choose another name`,
      );
    }
    this.#steps.set(step.type, step);
  }

  get(type: string): RegisteredStep | undefined {
    return this.#steps.get(type);
  }

  /** The same array until another type is added. */
  get types(): readonly string[] {
    if (this.#types.length !== this.#steps.size) this.#types = [...this.#steps.keys()];
    return this.#types;
  }

  /** No more step types from here on. */
  seal(): void {
    this.#sealed = true;
  }
}
