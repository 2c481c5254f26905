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
/** How long a process may take to end once it was told to. */
const PATIENCE_MS = 30_000;

export class Life {
  readonly name: string;
  /** Resolves with the exit code; `null`: a signal ended it. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #ledger: Ledger;
  #told = false;

  constructor(program: Program, name: string, args: readonly string[], ledger: Ledger) {
    this.name = name;
    this.#ledger = ledger;
    // The pipe is a leash: a process whose standard input ends, ends too.
    this.#child = spawn(process.execPath, [...process.execArgv, PROGRAMS[program], ...args], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    ledger.write('started', { life: name });
    this.ended = once(this.#child, 'exit').then(([code, signal]: (number | string | null)[]) => {
      const how = `${signal ?? ''}${this.#told ? '' : ' by itself'}`;
      ledger.write('exited', { life: name, code: code as number | null, how });
      return code as number | null;
    });
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Whether somebody here ended it, or told it to end. */
  get told(): boolean {
    return this.#told;
  }

  async kill(): Promise<void> {
    if (!this.running) return;
    this.#ledger.write('killed', { life: this.name });
    this.killNow();
    await this.ended;
  }

  /** Without a word in the ledger: the run is over. */
  killNow(): void {
    this.#told = true;
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

  /** SIGTERM, and a while to obey. */
  async terminate(): Promise<void> {
    if (!this.running) return;
    this.#told = true;
    this.#ledger.write('terminated', { life: this.name });
    this.#child.kill('SIGTERM');
    const impatience = setTimeout(() => {
      this.#ledger.write('hung', { life: this.name });
      this.killNow();
    }, PATIENCE_MS);
    await this.ended;
    clearTimeout(impatience);
  }
}
