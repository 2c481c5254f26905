/**
 * How long a statement takes, by its kind. The emulator's own time is added, or taken off: then a statement takes as long as it
 * is said to, unless the emulator is slower than that.
 */
import type { StatementKind } from './statement-kind.js';

export interface LatencyOptions {
  /** What a statement of this kind takes in its slot, in ms. */
  readonly statements: Readonly<Partial<Record<StatementKind, number>>>;
  /** Added for each row that a statement changed or returned, in ms. */
  readonly perRowMs: number;
  /** The way there and back, outside the warehouse, for every request. */
  readonly networkMs: number;
  readonly loginMs: number;
  /** Multiplies all of them. */
  readonly scale: number;
  /** Whether what the emulator usually takes for a statement of this kind is taken off. */
  readonly absorbs: boolean;
}

/** Nothing waits: for tests of what happens, not of how long it takes. */
const NO_LATENCY: LatencyOptions = { statements: {}, perRowMs: 0, networkMs: 0, loginMs: 0, scale: 1, absorbs: false };

/** What one public measurement of an X-Small warehouse, and the model of combining, assume. */
export const REAL_LATENCY: LatencyOptions = {
  statements: { select: 60, insert: 350, update: 300, delete: 300, merge: 350, definition: 300, metadata: 40 },
  perRowMs: 0.02,
  networkMs: 300,
  loginMs: 800,
  scale: 1,
  absorbs: false,
};

const NEWEST_WEIGHT = 0.3;

export class Latency {
  #options: LatencyOptions;
  /** What the emulator took for the last statements of each kind, in real ms. */
  readonly #emulatorMs = new Map<StatementKind, number>();

  constructor(options: Partial<LatencyOptions>) {
    this.#options = { ...NO_LATENCY, ...options };
  }

  configure(options: Partial<LatencyOptions>): void {
    this.#options = { ...this.#options, ...options };
  }

  get networkMs(): number {
    return this.#options.networkMs * this.#options.scale;
  }

  get loginMs(): number {
    return this.#options.loginMs * this.#options.scale;
  }

  ofStatement(kind: StatementKind): number {
    const { statements, scale, absorbs } = this.#options;
    return Math.max(0, (statements[kind] ?? 0) * scale - (absorbs ? (this.#emulatorMs.get(kind) ?? 0) : 0));
  }

  /** The emulator took this long. */
  emulated(kind: StatementKind, tookMs: number): void {
    const before = this.#emulatorMs.get(kind) ?? tookMs;
    this.#emulatorMs.set(kind, before + NEWEST_WEIGHT * (tookMs - before));
  }

  ofRows(rows: number): number {
    return rows * this.#options.perRowMs * this.#options.scale;
  }
}
