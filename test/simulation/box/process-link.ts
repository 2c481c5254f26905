/**
 * The way between one simulated process and its store. It can be cut and slow, and a process that is frozen or killed neither sends
 * nor receives.
 *
 * Invariants:
 * - What has left the process is applied, whatever happens to the process afterwards.
 * - Nothing passes for a killed process any more.
 */
import { StoreError } from '../../../src/errors.js';
import { sleep } from '../../../src/runtime/runtime.js';
import type { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import type { Link } from '../worlds/world.js';

export type Cut = 'fails' | 'hangs' | 'loses';

/** When a crash comes: as the process sends its next call, or as the reply to its next call arrives. */
export type CrashPoint = 'after its next statement' | 'before its next reply';

/** What a pod asks last before it falls asleep. */
const LAST_CALL = 'store.pulse';
/** Longer than between two polls of a pod that sleeps, shorter than a quiet spell. */
const SPELL_MS = 1_700;
/** For so long the call is on its way: what comes meanwhile is there before it is answered. */
const SURPRISE_MS = 400;

interface Surprise {
  readonly work: () => void;
  readonly atFirst: boolean;
}

export class ProcessLink implements Link {
  readonly process: string;
  readonly #network: VirtualRuntime;
  /** Those that have not ended, in the order in which they began. */
  #cuts: readonly { readonly how: Cut }[] = [];
  #slowMs = 0;
  #frozen = false;
  #dead = false;
  #refused: RegExp | undefined;
  #waiting: (() => void)[] = [];
  /** What may be applied again; `undefined`: nothing is remembered. */
  #remembered: (() => void)[] | undefined;
  #onKilled = (): void => {};
  #beforeSleep: Surprise | undefined;
  #askedAt: number | undefined;
  #crash: { readonly point: CrashPoint; readonly now: () => void } | undefined;

  constructor(process: string, network: VirtualRuntime) {
    this.process = process;
    this.#network = network;
  }

  async outbound(call: string): Promise<void> {
    await this.#open();
    if (call === LAST_CALL && this.#beforeSleep !== undefined) await this.#surprise(this.#beforeSleep);
    if (this.#refused?.test(call) === true) throw broken();
    if (this.#cut === 'hangs') await this.#mended();
    if (this.#cut === 'fails') throw broken();
    if (this.#slowMs > 0) await this.#delay();
    if (this.#crash?.point === 'after its next statement') this.#crashNow(); // this call is still applied
  }

  async inbound(): Promise<void> {
    if (this.#slowMs > 0) await this.#delay();
    if (this.#crash?.point === 'before its next reply') this.#crashNow();
    if (this.#dead) await never();
    await this.#open();
    if (this.#cut !== undefined) {
      if (this.#cut === 'hangs') await this.#mended();
      throw broken();
    }
  }

  arrived(again: () => void): void {
    this.#remembered?.push(again);
  }

  /** From now on what it sends is remembered. */
  remember(): void {
    this.#remembered ??= [];
  }

  /** What was remembered: it may be applied again, in this order. */
  recall(): readonly (() => void)[] {
    const remembered = this.#remembered ?? [];
    this.#remembered = undefined;
    return remembered;
  }

  /** Of several cuts the last one counts. @returns ends this one */
  cut(how: Cut): () => void {
    const own = { how };
    this.#cuts = [...this.#cuts, own];
    return () => {
      this.#cuts = this.#cuts.filter((cut) => cut !== own);
      this.#release();
    };
  }

  /** Ends all cuts. */
  mend(): void {
    this.#cuts = [];
    this.#release();
  }

  get #cut(): Cut | undefined {
    return this.#cuts.at(-1)?.how;
  }

  /** Calls of these names fail; `undefined`: none. */
  refuse(names: RegExp | undefined): void {
    this.#refused = names;
  }

  /** Each way takes up to this much longer. */
  slow(ms: number): void {
    this.#slowMs = ms;
  }

  freeze(): void {
    this.#frozen = true;
  }

  thaw(): void {
    this.#frozen = false;
    this.#release();
  }

  onKilled(exited: () => void): void {
    this.#onKilled = exited;
  }

  /** The process is gone. */
  kill(): void {
    this.#dead = true;
    this.#onKilled();
    this.#waiting = [];
  }

  crashAt(point: CrashPoint, now: () => void): void {
    this.#crash = { point, now };
  }

  /** It will not crash any more. */
  spare(): void {
    this.#crash = undefined;
  }

  /**
   * `work` comes as the pod makes its last call before it may fall asleep. Once.
   *
   * @param atFirst as it asks for the first time, at the beginning of a quiet spell
   */
  surprise(work: () => void, atFirst = false): void {
    this.#beforeSleep = { work, atFirst };
  }

  /** It asks for the change token twice: at the beginning of a quiet spell, and at its end. A pod that sleeps asks more often. */
  #isAboutToSleep(): boolean {
    const [now, before] = [this.#network.monotonicMs(), this.#askedAt];
    this.#askedAt = now;
    return before !== undefined && now - before >= SPELL_MS;
  }

  async #surprise({ work, atFirst }: Surprise): Promise<void> {
    if (!this.#isAboutToSleep() && !atFirst) return;
    work();
    this.#beforeSleep = undefined;
    await sleep(this.#network, SURPRISE_MS);
  }

  #crashNow(): void {
    const crash = this.#crash;
    this.#crash = undefined;
    crash?.now();
  }

  /** Waits while the process is frozen; for ever if it is dead. */
  async #open(): Promise<void> {
    while (this.#frozen && !this.#dead) await this.#released();
    if (this.#dead) await never();
  }

  async #mended(): Promise<void> {
    while (this.#cut === 'hangs' && !this.#dead) await this.#released();
    if (this.#dead) await never();
  }

  #released(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #release(): void {
    for (const release of this.#waiting.splice(0)) release();
  }

  #delay(): Promise<void> {
    return sleep(this.#network, this.#slowMs * this.#network.random());
  }
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function broken(): StoreError {
  return new StoreError('STORE_UNAVAILABLE', 'the way to the store is cut', true);
}
