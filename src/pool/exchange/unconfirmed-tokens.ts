/**
 * Tokens of claims that got no reply and that a read-back did not show, because the read may have been late.
 *
 * Invariants:
 * - A claim counts as absent when a read that was sent at least `staleReadMs` after its reply was given up does not show it.
 *   Until then the token is read back now and then, at twice its age each time, and at the end of that time.
 * - A token belongs to its incarnation: what an earlier one claimed is an orphan.
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

  /** A read that was sent at `sentAt` did not show what was claimed under the token. */
  absent(unanswered: UnansweredToken, sentAt: number): void {
    const ageMs = sentAt - unanswered.since;
    if (ageMs >= this.#staleReadMs) return;
    const readAt = unanswered.since + Math.min(this.#staleReadMs, Math.max(ageMs + FIRST_PAUSE_MS, 2 * ageMs));
    const ours = this.#unconfirmed.filter(({ pod }) => pod === unanswered.pod);
    this.#unconfirmed = [...ours, { ...unanswered, readAt }];
  }

  /** In how many ms a token of this incarnation must be read back; `Infinity`: there is none. */
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
