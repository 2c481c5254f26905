/** One life of a process: from its start to its end, and the signals between. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Ledger } from './ledger.js';

export type Program = 'pod' | 'submitter' | 'locker';

const PROGRAMS: Readonly<Record<Program, string>> = {
  pod: fileURLToPath(new URL('./programs/pod.ts', import.meta.url)),
  submitter: fileURLToPath(new URL('./programs/submitter.ts', import.meta.url)),
  locker: fileURLToPath(new URL('./programs/locker.ts', import.meta.url)),
};
/** How long a process may take to end after SIGTERM. */
const STOP_LIMIT_MS = 30_000;

export class Life {
  readonly name: string;
  /** Resolves with the exit code; `null`: a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #ledger: Ledger;
  #stopRequested = false;

  constructor(program: Program, name: string, args: readonly string[], ledger: Ledger) {
    this.name = name;
    this.#ledger = ledger;
    // A process ends when its standard input does, so none outlives this program.
    this.#child = spawn(process.execPath, [...process.execArgv, PROGRAMS[program], ...args], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    ledger.write('started', { life: name });
    this.ended = once(this.#child, 'exit').then(([code, signal]: (number | string | null)[]) => {
      const how = `${signal ?? ''}${this.#stopRequested ? '' : ' by itself'}`;
      ledger.write('exited', { life: name, code: code as number | null, how });
      return code as number | null;
    });
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Whether this program killed it or asked it to end. */
  get stopRequested(): boolean {
    return this.#stopRequested;
  }

  async kill(): Promise<void> {
    if (!this.running) return;
    this.#ledger.write('killed', { life: this.name });
    this.killNow();
    await this.ended;
  }

  /** Leaves no entry in the ledger: the run is over. */
  killNow(): void {
    this.#stopRequested = true;
    this.#child.kill('SIGKILL');
  }

  freeze(): void {
    if (!this.running) return;
    this.#ledger.write('frozen', { life: this.name });
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    if (!this.running) return;
    this.#ledger.write('resumed', { life: this.name });
    this.#child.kill('SIGCONT');
  }

  /** SIGTERM, then some time to end. */
  async terminate(): Promise<void> {
    if (!this.running) return;
    this.#stopRequested = true;
    this.#ledger.write('terminated', { life: this.name });
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.#ledger.write('hung', { life: this.name });
      this.killNow();
    }, STOP_LIMIT_MS);
    await this.ended;
    clearTimeout(timer);
  }
}
