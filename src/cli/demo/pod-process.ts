/** A pod of the demo, from outside: a child process, its ledger, and the signals that are sent to it. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { LedgerReader } from './ledger.js';
import { placeInEnv, type Place } from './settings.js';

const PROGRAM = fileURLToPath(new URL('./pod.js', import.meta.url));

export type PodState = 'starting' | 'alive' | 'killed' | 'frozen' | 'stopped';

export class PodProcess {
  readonly podId: string;
  readonly ledger: LedgerReader;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #state: PodState = 'starting';

  constructor(folder: string, podId: string, place: Place) {
    this.podId = podId;
    this.ledger = new LedgerReader(folder, podId);
    this.#child = fork(PROGRAM, [folder, podId], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...placeInEnv(place) },
    });
    this.#child.disconnect(); // it must not end with the demo
    this.#exited = once(this.#child, 'exit');
  }

  get state(): PodState {
    return this.#state === 'starting' && this.ledger.has('ready') ? 'alive' : this.#state;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when the process has ended. */
  get ended(): Promise<unknown> {
    return this.#exited;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
    this.#state = 'killed';
  }

  freeze(): void {
    this.#child.kill('SIGSTOP');
    this.#state = 'frozen';
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
    this.#state = 'alive';
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    if (this.#state === 'frozen') this.thaw();
    this.#child.kill('SIGTERM');
    await this.#exited;
    this.#state = 'stopped';
  }

  /** Kills it, whatever it is doing. */
  async end(): Promise<void> {
    if (!this.running) return;
    this.kill();
    await this.#exited;
  }
}
