/**
 * Says which steps are suspected of killing their pods, and how a claim proves that a suspect ran alone.
 *
 * When a pod dies, it is unknown which of the steps that it had started killed it. Two deaths make each of them a suspect.
 * A suspect runs alone: if its pod dies again, the suspect is the cause.
 *
 * Invariants:
 * - The proof is in the row, under the fence: the token of a claim says whether the pod, and every other pool of its process,
 *   held nothing when it asked for the claim. So the proof is independent of other rows, which may have changed meanwhile
 *   (cancelled by hand, settled by half a recovery cycle).
 * - Under such a token a pod starts either the suspect and nothing else, or no suspect.
 */

/** A step with this many crashes is a suspect. The stores keep suspects in a class of their own (`due` = 2). */
const SUSPECT_CRASHES = 2;

const ALONE = 'alone-';

export function isSuspect({ crashes }: { readonly crashes: number }): boolean {
  return crashes >= SUSPECT_CRASHES;
}

/** The token for the claims of one exchange. @param alone the process holds nothing, and would run a suspect alone */
export function claimTokenOf(uuid: string, alone: boolean): string {
  return alone ? ALONE + uuid : uuid;
}

/** Whether the claim's pod held nothing when it asked for the claim, and neither did its process. */
export function isAlone({ claimToken }: { readonly claimToken: string }): boolean {
  return claimToken.startsWith(ALONE);
}
