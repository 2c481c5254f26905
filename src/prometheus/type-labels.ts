/**
 * Bounds the values of the label `type`.
 *
 * Invariants: at most `most` types have a label of their own, in the order in which they come. All others share `other`.
 */
export const OTHER = 'other';

export class TypeLabels {
  readonly #known = new Set<string>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** The label of a type of which something has happened. */
  of(type: string): string {
    if (this.#known.has(type)) return type;
    if (this.#known.size >= this.#most) return OTHER;
    this.#known.add(type);
    return type;
  }

  /**
   * The labels for a whole listing of the store. Types that are known keep theirs; the rest of the room goes to the most
   * frequent others. They are known from then on, so that a series does not change its label from one scrape to the next.
   */
  ofAll(weights: Readonly<Record<string, number>>): ReadonlyMap<string, string> {
    const byWeight = Object.keys(weights).sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0));
    return new Map(byWeight.map((type) => [type, this.of(type)]));
  }
}
