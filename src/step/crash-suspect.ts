/**
 * Which steps are suspected of killing their pods, and what proves it.
 *
 * When a pod dies, nobody can know which of the steps that it had started killed it. Two deaths make each of them a
 * suspect. A suspect is run alone: its next death with a pod is its own doing.
 *
 * Invariants:
 * - The proof stands in the row, under the fence: a pod says in the token of its claims that it was empty when it asked for
 *   them, and that the other pools of its process were, too.
 *   So it holds whatever became of other rows meanwhile (cancelled by hand, settled by half a recovery cycle).
 * - Under such a token a pod starts either the suspect and nothing beside it, or no suspect at all.
 */

/** From so many crashes on a step is a suspect. The stores keep these in a class of their own (`due` = 2). */
const SUSPECT_CRASHES = 2;

const ALONE = 'alone-';

export function isSuspect({ crashes }: { readonly crashes: number }): boolean {
  return crashes >= SUSPECT_CRASHES;
}

/** The token for one exchange's claims. @param alone whether the process holds nothing, and runs a suspect alone if one comes */
export function claimTokenOf(uuid: string, alone: boolean): string {
  return alone ? ALONE + uuid : uuid;
}

/** Whether a claim was taken by an empty pod, in an otherwise empty process. */
export function isAlone({ claimToken }: { readonly claimToken: string }): boolean {
  return claimToken.startsWith(ALONE);
}
