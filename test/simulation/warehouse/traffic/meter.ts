/** What the warehouse has done so far. */
import type { StatementKind } from '../statements/known-statement.js';

export interface Reading {
  /** Statements that have ended, by kind and by name. */
  readonly kinds: Readonly<Partial<Record<StatementKind, number>>>;
  readonly names: Readonly<Record<string, number>>;
  /** Those that held the lock of a table against UPDATEs and DELETEs. */
  readonly lockTaking: number;
  /** For how long slots were taken. */
  readonly slotSeconds: number;
  /** The most statements that waited for one table at a time, and for a slot. */
  readonly mostWaiting: number;
  readonly mostQueued: number;
  /** 000625, and lock time-outs. */
  readonly refused: number;
  readonly timedOut: number;
}

export class Meter {
  readonly #kinds: Partial<Record<StatementKind, number>> = {};
  readonly #names: Record<string, number> = {};
  #lockTaking = 0;
  #slotMs = 0;
  #mostWaiting = 0;
  #mostQueued = 0;
  #refused = 0;
  #timedOut = 0;

  ended(kind: StatementKind, name: string): void {
    this.#kinds[kind] = (this.#kinds[kind] ?? 0) + 1;
    this.#names[name] = (this.#names[name] ?? 0) + 1;
  }

  tookLock(): void {
    this.#lockTaking++;
  }

  heldSlot(ms: number): void {
    this.#slotMs += ms;
  }

  waiting(count: number): void {
    if (count > this.#mostWaiting) this.#mostWaiting = count;
  }

  queued(count: number): void {
    if (count > this.#mostQueued) this.#mostQueued = count;
  }

  refused(): void {
    this.#refused++;
  }

  timedOut(): void {
    this.#timedOut++;
  }

  /** The most that waited is counted anew from here on. */
  forgetMost(): void {
    this.#mostWaiting = this.#mostQueued = 0;
  }

  get reading(): Reading {
    return {
      kinds: { ...this.#kinds },
      names: { ...this.#names },
      lockTaking: this.#lockTaking,
      slotSeconds: this.#slotMs / 1_000,
      mostWaiting: this.#mostWaiting,
      mostQueued: this.#mostQueued,
      refused: this.#refused,
      timedOut: this.#timedOut,
    };
  }
}
