/**
 * Decides when a pod may fall asleep: after two exchanges that found nothing to do, far enough apart, while nothing has changed.
 *
 * Invariants:
 * - The change token is read before the first of the two exchanges begins. Whatever changes after that moves the token, so a pod that
 *   sleeps notices it, also if the exchanges did not see it.
 * - The exchanges are further apart than a read can be late. One alone may have missed what was committed right before it; no number of
 *   them in a short time replaces the distance, where a session stays late.
 * - Anything else ends the spell: work of this pod, a step that this process has submitted, a token that has moved.
 *
 * Pure: its caller reports what happens.
 */
import type { QuietLook } from '../pool-interface.js';

/** What a pod knows that may sleep. */
export interface Rest {
  readonly token: string;
  readonly census: string;
  /** When the next step is due, on the monotonic clock; `Infinity` if none is. */
  readonly dueAt: number;
}

export class QuietSpell {
  readonly #quietForMs: number;
  #token: { readonly value: string; readonly readAt: number } | undefined;
  /** When the first exchange of the spell began. */
  #since: number | undefined;
  #last: QuietLook | undefined;

  constructor(quietForMs: number) {
    this.#quietForMs = quietForMs;
  }

  /** Whether the token must be read: at the beginning, and once more when the spell has lasted. */
  get wantsToken(): boolean {
    return this.#last !== undefined && (this.#token === undefined || this.#lasts);
  }

  /** An exchange found nothing to do. */
  quiet(look: QuietLook): void {
    this.#last = look;
    if (this.#token !== undefined && look.startedAt >= this.#token.readAt) this.#since ??= look.startedAt;
  }

  /** There is work, or there may be. */
  end(): void {
    this.#token = this.#since = this.#last = undefined;
  }

  /**
   * The token was read.
   *
   * @param readAt when the answer came
   * @returns what the pod knows, if it may fall asleep now
   */
  read(value: string, readAt: number): Rest | undefined {
    if (this.#token?.value !== value) {
      this.#token = { value, readAt };
      this.#since = undefined;
      return undefined;
    }
    const last = this.#last;
    if (last === undefined || !this.#lasts) return undefined;
    const dueAt = last.nextDueInMs === null ? Infinity : last.endedAt + last.nextDueInMs;
    return { token: value, census: last.census, dueAt };
  }

  /** Whether the last quiet exchange began long enough after the first. */
  get #lasts(): boolean {
    return this.#since !== undefined && (this.#last?.startedAt ?? 0) - this.#since >= this.#quietForMs;
  }
}
