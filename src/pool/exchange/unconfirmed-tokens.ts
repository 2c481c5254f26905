/**
 * Tokens of claims whose reply was lost, and which a read did not show: the read may have been late.
 *
 * Invariants:
 * - Absence is believed once a read says so that was asked at least `staleReadMs` after the reply was lost. Until then the
 *   token is read back now and then, at twice its age each time, and at the end of that time.
 * - A token belongs to its incarnation: what an earlier one claimed is an orphan.
 */
import type { PodRef } from '../../store/contract.js';

/** A token that was sent, and whose reply did not come. */
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

  /** A read that was asked at `askedAt` did not show what was claimed under the token. */
  absent(lost: UnansweredToken, askedAt: number): void {
    const ageMs = askedAt - lost.since;
    if (ageMs >= this.#staleReadMs) return;
    const readAt = lost.since + Math.min(this.#staleReadMs, Math.max(ageMs + FIRST_PAUSE_MS, 2 * ageMs));
    this.#unconfirmed = [...this.#unconfirmed.filter(({ pod }) => pod === lost.pod), { ...lost, readAt }];
  }

  /** In how many ms one is to be read back; `Infinity`: there is none. */
  dueInMs(ours: PodRef | undefined, now: number): number {
    let dueInMs = Infinity;
    for (const { pod, readAt } of this.#unconfirmed)
      if (pod === ours) dueInMs = Math.min(dueInMs, Math.max(0, readAt - now));
    return dueInMs;
  }

  /** Takes out one that is to be read back now. */
  take(ours: PodRef, now: number): UnansweredToken | undefined {
    const due = this.#unconfirmed.find(({ pod, readAt }) => pod === ours && readAt <= now);
    if (due !== undefined) this.#unconfirmed = this.#unconfirmed.filter((doubt) => doubt !== due);
    return due;
  }
}
