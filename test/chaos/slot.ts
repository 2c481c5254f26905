/** A place in the fleet that one process after the other fills, and the faults that strike it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Ledger } from './ledger.js';
import { Life, type Program } from './life.js';
import type { Fault } from './plan.js';
import { TRY_AGAIN } from './settings.js';

/** For how long one that was superseded goes on beside the other. */
const SUPERSEDED_FOR_MS = 1_500;

export interface SlotParts {
  readonly name: string;
  readonly program: Program;
  readonly folder: string;
  readonly ledger: Ledger;
  /** Aborts when the run is over: nobody is started again. */
  readonly signal: AbortSignal;
}

export class Slot {
  readonly #parts: SlotParts;
  readonly #lives: Life[] = [];
  restarts = 0;

  constructor(parts: SlotParts) {
    this.#parts = parts;
  }

  /** Fills the slot. One that could not open the store is started again. */
  start(): void {
    const { name, program, folder, ledger, signal } = this.#parts;
    if (signal.aborted) return;
    const life = new Life(program, `${name}.${this.#lives.length}`, [folder, `${name}.${this.#lives.length}`], ledger);
    if (this.#lives.push(life) > 1) this.restarts++;
    void life.ended.then((code) => {
      if (code === TRY_AGAIN && !life.told) this.start();
    });
  }

  /** Each fault at its time, counted from `startedAt`; late where the one before took longer. */
  async suffer(faults: readonly Fault[], startedAt: number): Promise<void> {
    for (const fault of faults) {
      await this.#pause(startedAt + fault.atMs - performance.now());
      await this.#strike(fault);
    }
  }

  /** Tells all that run to end. */
  async stop(): Promise<void> {
    await Promise.all(this.#lives.map((life) => life.terminate()));
  }

  /** At once, whatever becomes of them. */
  async destroy(): Promise<void> {
    for (const life of this.#lives) if (life.running) life.killNow();
    await Promise.all(this.#lives.map((life) => life.ended));
  }

  async #strike({ kind, lastsMs }: Fault): Promise<void> {
    const life = this.#lives.at(-1)!;
    switch (kind) {
      case 'kill':
        await life.kill();
        await this.#pause(lastsMs);
        {
          this.start();
          return;
        }
      case 'terminate':
        await life.terminate();
        await this.#pause(lastsMs);
        {
          this.start();
          return;
        }
      case 'freeze':
        life.freeze();
        await this.#pause(lastsMs);
        {
          life.resume();
          return;
        }
      case 'freezeAndKill':
        life.freeze();
        await this.#pause(lastsMs);
        await life.kill();
        {
          this.start();
          return;
        }
      case 'supersede':
        life.freeze();
        this.start();
        await this.#pause(lastsMs);
        life.resume();
        await this.#pause(SUPERSEDED_FOR_MS);
        return life.terminate();
    }
  }

  async #pause(ms: number): Promise<void> {
    this.#parts.signal.throwIfAborted();
    if (ms > 0) await pause(ms, undefined, { signal: this.#parts.signal });
  }
}
