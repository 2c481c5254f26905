/**
 * Runs the plan: pods and submitters under faults, then no faults until all work is done, an orderly stop, and at last the
 * checker, which is a program of its own.
 */
import Database from 'better-sqlite3';
import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Verdict } from './checker/verdict.js';
import { keepHistory } from './history.js';
import { Ledger, readLedger, type Entry } from './ledger.js';
import { Life } from './life.js';
import { planOf, type Lock, type Plan } from './plan.js';
import { fileIn, SUBMITTERS } from './settings.js';
import { Slot } from './slot.js';

const CHECKER = fileURLToPath(new URL('./checker/check.ts', import.meta.url));
const LOOK_EVERY_MS = 100;
/** How long the pods may take to become ready, and to finish the work after the last fault. */
const READY_WITHIN_MS = 30_000;
const DONE_WITHIN_MS = 60_000;

export interface ChaosParts {
  readonly folder: string;
  readonly seed: number;
  readonly seconds: number;
  readonly pods: number;
  /** Interrupts the run. */
  readonly signal: AbortSignal;
  readonly log: (news: string) => void;
}

export interface Summary extends Pick<
  Verdict,
  'acknowledged' | 'terminal' | 'lost' | 'settledTwice' | 'staleAccepted'
> {
  readonly kills: number;
  readonly freezes: number;
  readonly restarts: number;
  readonly violations: number;
}

export class Chaos {
  readonly #parts: ChaosParts;
  readonly #plan: Plan;
  readonly #ledger: Ledger;
  readonly #slots = new Map<string, Slot>();
  readonly #lockers = new Set<Life>();
  readonly #over = new AbortController();
  /** Aborts when the run is over, for whatever reason. After that no process is started. */
  readonly #signal: AbortSignal;

  constructor(parts: ChaosParts) {
    this.#parts = parts;
    this.#signal = AbortSignal.any([parts.signal, this.#over.signal]);
    this.#plan = planOf({ ...parts, submitters: SUBMITTERS });
    this.#ledger = new Ledger(parts.folder, 'choreography');
    for (const name of this.#plan.faults.keys()) {
      const program = name.startsWith('pod') ? 'pod' : 'submitter';
      this.#slots.set(name, new Slot({ ...parts, name, program, ledger: this.#ledger, signal: this.#signal }));
    }
  }

  /** @throws if the run was interrupted, or could not begin */
  async run(): Promise<{ readonly summary: Summary; readonly verdict: Verdict }> {
    const { log, seconds } = this.#parts;
    try {
      await this.#begin();
      const startedAt = performance.now();
      log(`${this.#of('pod').length} pods and ${SUBMITTERS} submitters are running; faults for ${seconds} s`);
      await Promise.all([
        ...[...this.#slots].map(([name, slot]) => slot.suffer(this.#plan.faults.get(name)!, startedAt)),
        this.#lock(this.#plan.locks, startedAt),
        this.#pause(seconds * 1_000),
      ]);
      await this.#end();
    } finally {
      await this.destroy();
    }
    const verdict = await this.#judge();
    return { summary: this.#summary(verdict), verdict };
  }

  /** Kills every process. */
  async destroy(): Promise<void> {
    this.#over.abort();
    for (const locker of this.#lockers) locker.killNow();
    await Promise.all([
      ...[...this.#slots.values()].map((slot) => slot.destroy()),
      ...[...this.#lockers].map((l) => l.ended),
    ]);
  }

  #of(program: 'pod' | 'submitter'): Slot[] {
    return [...this.#slots].flatMap(([name, slot]) => (name.startsWith(program) ? [slot] : []));
  }

  /** The pods create the file. Its history begins before the first step. */
  async #begin(): Promise<void> {
    for (const slot of this.#of('pod')) slot.start();
    await this.#until('the pods are ready', READY_WITHIN_MS, () =>
      this.#of('pod').every((_, i) => this.#hasSaid(`pod-${i}.0`, 'ready')),
    );
    const connection = new Database(fileIn(this.#parts.folder), { timeout: 10_000 });
    keepHistory(connection);
    connection.close();
    for (const slot of this.#of('submitter')) slot.start();
  }

  #hasSaid(life: string, what: Entry['what']): boolean {
    try {
      return readLedger(this.#parts.folder, life).some((entry) => entry.what === what);
    } catch {
      return false; // the file has no tables yet
    }
  }

  async #lock(locks: readonly Lock[], startedAt: number): Promise<void> {
    for (const { atMs, lastsMs } of locks) {
      await this.#pause(startedAt + atMs - performance.now());
      const locker = new Life('locker', 'locker', [fileIn(this.#parts.folder), String(lastsMs)], this.#ledger);
      this.#lockers.add(locker);
      // A frozen pod may hold the lock for longer than the locker waits.
      if ((await locker.ended) === 0) this.#ledger.write('locked', { lastsMs });
    }
  }

  /** After the last fault: all submitted work is done, then all processes stop in order. */
  async #end(): Promise<void> {
    this.#parts.log('no more faults; waiting until the pods have done the rest');
    await Promise.all(this.#of('submitter').map((slot) => slot.stop()));
    const connection = new Database(fileIn(this.#parts.folder), { readonly: true, timeout: 10_000 });
    const left = connection.prepare("SELECT 1 FROM STEP_TRACKER WHERE status IN ('pending', 'claimed') LIMIT 1");
    // If that takes too long, the checker reports what was left.
    await this.#until('all is done', DONE_WITHIN_MS, () => left.get() === undefined).catch((error: unknown) => {
      if (this.#signal.aborted) throw error;
    });
    connection.close();
    await Promise.all(this.#of('pod').map((slot) => slot.stop()));
  }

  async #judge(): Promise<Verdict> {
    this.#ledger.close();
    const args = [...process.execArgv, CHECKER, this.#parts.folder];
    const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1 << 28 });
    return JSON.parse(stdout) as Verdict;
  }

  #summary({ acknowledged, terminal, lost, settledTwice, staleAccepted, violations }: Verdict): Summary {
    const entries = readLedger(this.#parts.folder, 'choreography');
    const count = (what: Entry['what']): number => entries.filter((entry) => entry.what === what).length;
    const restarts = [...this.#slots.values()].reduce((sum, slot) => sum + slot.restarts, 0);
    const strikes = { kills: count('killed'), freezes: count('frozen'), restarts };
    return { acknowledged, terminal, lost, settledTwice, staleAccepted, ...strikes, violations: violations.length };
  }

  async #until(what: string, withinMs: number, test: () => boolean): Promise<void> {
    for (const end = performance.now() + withinMs; !test();) {
      if (performance.now() > end) throw new Error(`timed out waiting for: ${what}`);
      await this.#pause(LOOK_EVERY_MS);
    }
  }

  async #pause(ms: number): Promise<void> {
    this.#signal.throwIfAborted();
    if (ms > 0) await pause(ms, undefined, { signal: this.#signal });
  }
}
