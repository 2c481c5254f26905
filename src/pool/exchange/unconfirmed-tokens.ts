/**
 * Claim tokens whose exchange got no reply, and whose claims a later read did not show. The read may have been late, so
 * the claims may exist.
 *
 * Invariants:
 * - The pod gives up waiting for the reply at time T. A claim counts as absent only if a read sent at T + `staleReadMs`
 *   or later does not show it. Before that, the token is read again at intervals: each time when its age has doubled,
 *   and once at the end.
 * - A token belongs to its incarnation. Claims of an earlier incarnation are orphans.
 */
import type { PodRef } from '../../store/contract.js';

/** A token that was sent and whose reply did not come. */
export interface UnansweredToken {
  readonly pod: PodRef;
  readonly token: string;
  /** When the reply was given up, by the pod's monotonic clock. */
  readonly since: number;
}

interface UnconfirmedToken extends UnansweredToken {
  readonly readAt: number;
}

/** The first pause between two reads, in ms. */
const FIRST_PAUSE_MS = 500;

export class UnconfirmedTokens {
  readonly #staleReadMs: number;
  #unconfirmed: readonly UnconfirmedToken[] = [];

  constructor(staleReadMs: number) {
    this.#staleReadMs = staleReadMs;
  }

  get tokens(): readonly string[] {
    return this.#unconfirmed.map(({ token }) => token);
  }

  /** A read that was sent at `sentAt` did not show any claim under the token. */
  absent(unanswered: UnansweredToken, sentAt: number): void {
    const ageMs = sentAt - unanswered.since;
    if (ageMs >= this.#staleReadMs) return;
    const readAt = unanswered.since + Math.min(this.#staleReadMs, Math.max(ageMs + FIRST_PAUSE_MS, 2 * ageMs));
    const ours = this.#unconfirmed.filter(({ pod }) => pod === unanswered.pod);
    this.#unconfirmed = [...ours, { ...unanswered, readAt }];
  }

  /** In how many ms a token of this incarnation must be read back; `Infinity` if there is none. */
  dueInMs(ours: PodRef | undefined, now: number): number {
    let dueInMs = Infinity;
    for (const { pod, readAt } of this.#unconfirmed)
      if (pod === ours) dueInMs = Math.min(dueInMs, Math.max(0, readAt - now));
    return dueInMs;
  }

  /** Takes out a token that must be read back now. */
  take(ours: PodRef, now: number): UnansweredToken | undefined {
    const due = this.#unconfirmed.find(({ pod, readAt }) => pod === ours && readAt <= now);
    if (due !== undefined) this.#unconfirmed = this.#unconfirmed.filter((token) => token !== due);
    return due;
  }
}
