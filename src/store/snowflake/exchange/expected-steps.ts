/**
 * Steps that this process has submitted, and that no look has shown yet.
 *
 * A look may be late, so it may find nothing to do right after a submission. Until a look has shown the step, nothing counts as
 * quiet: otherwise the pod could fall asleep over a step of its own. One step stands for those of its statement, because a commit
 * is seen whole.
 */

/** Far longer than any read is late. After that the step has been archived, or deleted. */
const EXPECTED_FOR_MS = 600_000;
/**
 * Only the newest are kept: a look that shows them shows what was committed before. Without the bound, they would pile up in a process
 * that submits and never looks, because it runs no pod.
 */
const MOST = 100;

export class ExpectedSteps {
  /** When each was submitted, the oldest first. */
  readonly #steps = new Map<string, number>();

  add(stepId: string, now: number): void {
    this.#steps.delete(stepId);
    this.#steps.set(stepId, now);
    for (const oldest of this.#steps.keys()) {
      if (this.#steps.size <= MOST) return;
      this.#steps.delete(oldest);
    }
  }

  /** The steps that a look at this time must show. */
  at(now: number): readonly string[] {
    for (const [stepId, at] of this.#steps) if (now - at > EXPECTED_FOR_MS) this.#steps.delete(stepId);
    return [...this.#steps.keys()];
  }

  /** A look that was asked for `stepIds` has shown so many of them. */
  seen(stepIds: readonly string[], shown: number): void {
    if (shown >= stepIds.length) for (const stepId of stepIds) this.#steps.delete(stepId);
  }

  get empty(): boolean {
    return this.#steps.size === 0;
  }
}
