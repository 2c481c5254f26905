/**
 * Runs the plan: pods and submitters under faults, then no faults until all work is done, an orderly stop, and at last the
 * checker, which is a program of its own.
 */
import { execFile } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Verdict } from './checker/verdict.js';
import type { Ground } from './grounds/ground.js';
import { readLedger, type Entry, type Ledger } from './ledger.js';
import { planOf, type Lock, type Plan } from './plan.js';
import { SUBMITTERS } from './settings.js';
import { Slot } from './slot.js';

const CHECKER = fileURLToPath(new URL('./checker/check.ts', import.meta.url));
const LOOK_EVERY_MS = 100;
/** How long the pods may take to become ready, and to finish the work after the last fault. */
const READY_WITHIN_MS = 30_000;
const DONE_WITHIN_MS = 60_000;

export interface ChaosParts {
  readonly folder: string;
  readonly ground: Ground;
  readonly ledger: Ledger;
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
  readonly #slots = new Map<string, Slot>();
  readonly #over = new AbortController();
  /** Aborts when the run is over, for whatever reason. After that no process is started. */
  readonly #signal: AbortSignal;

  constructor(parts: ChaosParts) {
    this.#parts = parts;
    this.#signal = AbortSignal.any([parts.signal, this.#over.signal]);
    const { scale } = parts.ground;
    this.#plan = planOf({ ...parts, seconds: parts.seconds / scale, submitters: SUBMITTERS });
    for (const name of this.#plan.faults.keys()) {
      const program = name.startsWith('pod') ? 'pod' : 'submitter';
      this.#slots.set(name, new Slot({ ...parts, scale, name, program, signal: this.#signal }));
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
    await Promise.all([...this.#slots.values()].map((slot) => slot.destroy()));
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
    await this.#parts.ground.keepHistory();
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
    const { ground, ledger } = this.#parts;
    for (const { atMs, lastsMs } of locks) {
      await this.#pause(startedAt + atMs * ground.scale - performance.now());
      if (await ground.lock(lastsMs * ground.scale)) ledger.write('locked', { lastsMs: lastsMs * ground.scale });
    }
  }

  /** After the last fault: all submitted work is done, then all processes stop in order. */
  async #end(): Promise<void> {
    const { ground, log } = this.#parts;
    log('no more faults; waiting until the pods have done the rest');
    await Promise.all(this.#of('submitter').map((slot) => slot.stop()));
    // If that takes too long, the checker reports what was left.
    await this.#until('all is done', DONE_WITHIN_MS, async () => !(await ground.isWorkLeft())).catch(
      (error: unknown) => {
        if (this.#signal.aborted) throw error;
      },
    );
    await Promise.all(this.#of('pod').map((slot) => slot.stop()));
  }

  async #judge(): Promise<Verdict> {
    this.#parts.ledger.close();
    await this.#parts.ground.collect();
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

  async #until(what: string, withinMs: number, test: () => boolean | Promise<boolean>): Promise<void> {
    for (const end = performance.now() + withinMs * this.#parts.ground.scale; !(await test());) {
      if (performance.now() > end) throw new Error(`timed out waiting for: ${what}`);
      await this.#pause(LOOK_EVERY_MS);
    }
  }

  async #pause(ms: number): Promise<void> {
    this.#signal.throwIfAborted();
    if (ms > 0) await pause(ms, undefined, { signal: this.#signal });
  }
}
