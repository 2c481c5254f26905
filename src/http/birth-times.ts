/**
 * Remembers when pods were born, by the clock of this host.
 *
 * Invariants: an incarnation keeps its instant, although its age is measured anew each time, unless the clock was corrected.
 */

/** A difference beyond this, in ms, is a corrected clock. */
const CORRECTED_MS = 5_000;

export class BirthTimes {
  #births: ReadonlyMap<string, number> = new Map();

  /** Call it with every pod of the fleet: the others are forgotten. @returns epoch ms by incarnation */
  of(pods: readonly { readonly incarnation: string; readonly ageMs: number }[]): ReadonlyMap<string, number> {
    const now = Date.now();
    this.#births = new Map(
      pods.map(({ incarnation, ageMs }) => {
        const [known, measured] = [this.#births.get(incarnation), now - ageMs];
        const keep = known !== undefined && Math.abs(known - measured) <= CORRECTED_MS;
        return [incarnation, keep ? known : measured];
      }),
    );
    return this.#births;
  }
}
