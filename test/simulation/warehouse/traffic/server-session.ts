/**
 * A session as the server keeps it: what it has set, how late it reads, and its last requests.
 *
 * Invariant: a request that comes again is answered with its first run, as long as the session lives. One statement runs at a time,
 * so a few requests are enough.
 */
import { Lateness } from './lateness.js';
import type { StatementRun } from './statement-run.js';

/** How many requests are remembered. */
const REMEMBERED = 4;

/** Snowflake's defaults. */
const LOCK_TIMEOUT_MS = 43_200_000;
const STATEMENT_TIMEOUT_MS = 172_800_000;

export class ServerSession {
  readonly id: number;
  /** Whose it is. */
  readonly process: string;
  readonly lateness = new Lateness();
  /** Of the log of pods. It differs, so that a session may see a claim and not yet the registration of its holder. */
  readonly podLogLateness = new Lateness();
  readonly #runs = new Map<string, StatementRun>();
  #lockTimeoutMs = LOCK_TIMEOUT_MS;
  #statementTimeoutMs = STATEMENT_TIMEOUT_MS;
  #isAlive = true;

  constructor(id: number, process: string) {
    this.id = id;
    this.process = process;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get lockTimeoutMs(): number {
    return this.#lockTimeoutMs;
  }

  get statementTimeoutMs(): number {
    return this.#statementTimeoutMs;
  }

  /** What has not ended yet. */
  get running(): readonly StatementRun[] {
    return [...this.#runs.values()].filter(({ ended }) => !ended);
  }

  ofRequest(requestId: string): StatementRun | undefined {
    return this.#runs.get(requestId);
  }

  remember(requestId: string, run: StatementRun): void {
    this.#runs.set(requestId, run);
    for (const oldest of this.#runs.keys()) {
      if (this.#runs.size <= REMEMBERED) return;
      this.#runs.delete(oldest);
    }
  }

  end(): void {
    this.#isAlive = false;
  }

  /** ALTER SESSION SET. */
  set(text: string): void {
    this.#lockTimeoutMs = secondsIn(text, LOCK_TIMEOUT) ?? this.#lockTimeoutMs;
    this.#statementTimeoutMs = secondsIn(text, STATEMENT_TIMEOUT) ?? this.#statementTimeoutMs;
  }
}

const LOCK_TIMEOUT = /\bLOCK_TIMEOUT = (\d+)/;
const STATEMENT_TIMEOUT = /\bSTATEMENT_TIMEOUT_IN_SECONDS = (\d+)/;

function secondsIn(text: string, setting: RegExp): number | undefined {
  const seconds = setting.exec(text)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
