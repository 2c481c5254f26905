/** A place in the fleet that one process after the other fills, and its faults. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Ledger } from './ledger.js';
import { Life, type Program } from './life.js';
import type { Fault } from './plan.js';
import { TRY_AGAIN } from './settings.js';

/** How long a superseded process continues beside its successor. */
const SUPERSEDED_FOR_MS = 1_500;

export interface SlotParts {
  readonly name: string;
  readonly program: Program;
  readonly folder: string;
  readonly ledger: Ledger;
  /** How many times as long as planned the faults last. */
  readonly scale: number;
  /** Aborts when the run is over. After that no process is started. */
  readonly signal: AbortSignal;
}

export class Slot {
  readonly #parts: SlotParts;
  readonly #lives: Life[] = [];
  restarts = 0;

  constructor(parts: SlotParts) {
    this.#parts = parts;
  }

  /** Starts a process in the slot, and again if it could not open the store. */
  start(): void {
    const { name, program, folder, ledger, signal } = this.#parts;
    if (signal.aborted) return;
    const life = new Life(program, `${name}.${this.#lives.length}`, [folder, `${name}.${this.#lives.length}`], ledger);
    if (this.#lives.push(life) > 1) this.restarts++;
    void life.ended.then((code) => {
      if (code === TRY_AGAIN && !life.stopRequested) this.start();
    });
  }

  /** Applies each fault at its time after `startedAt`, or later if the last one took longer. */
  async suffer(faults: readonly Fault[], startedAt: number): Promise<void> {
    for (const fault of faults) {
      const { scale } = this.#parts;
      await this.#pause(startedAt + fault.atMs * scale - performance.now());
      await this.#strike({ ...fault, lastsMs: fault.lastsMs * scale });
    }
  }

  /** Asks all running processes to end. */
  async stop(): Promise<void> {
    await Promise.all(this.#lives.map((life) => life.terminate()));
  }

  /** Kills all running processes. */
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
        await this.#pause(SUPERSEDED_FOR_MS * this.#parts.scale);
        return life.terminate();
    }
  }

  async #pause(ms: number): Promise<void> {
    this.#parts.signal.throwIfAborted();
    if (ms > 0) await pause(ms, undefined, { signal: this.#parts.signal });
  }
}
