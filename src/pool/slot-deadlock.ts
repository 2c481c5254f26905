/**
 * Finds out that the handlers in all slots seem to wait for steps that need one of these slots to run.
 *
 * Invariants:
 * - It asks the store only when all slots have been busy, and no handler has returned, for {@link STILL_MS}; seldom then.
 * - A wait that ends by itself (`timeoutMs`) is not counted. So is none whose step could be of an outsider: for each
 *   handler there must be another step that was created after the handler's step was claimed, is due and pending, and is
 *   of a type that this pod handles.
 * - It can be mistaken, so it only warns: who in this process waits for a step cannot be known.
 * - What it reports lasts until a handler returns. It is logged once for each standstill.
 */
import type { Log } from '../log.js';
import { doubledMs } from '../runtime/backoff.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import type { StepRecord, StepStore } from '../store/contract.js';

export interface SlotDeadlockParts {
  readonly runtime: Runtime;
  readonly store: Pick<StepStore, 'find'>;
  readonly log: Log;
  readonly slots: () => SlotUse;
  /** Whether this pod handles the type. */
  readonly handles: (type: string) => boolean;
  /** Steps that this process waits for without a time-out, at most so many. */
  readonly awaited: (most: number) => readonly string[];
}

export interface SlotUse {
  readonly free: number;
  /** Handlers that have returned so far. */
  readonly returned: number;
  /** The claim tokens of what runs, without strays: made by this process, in the order of time. */
  readonly running: () => readonly string[];
}

/** For how long nothing must have moved. */
const STILL_MS = 15_000;
const LOOK_MS = 5_000;
const LONGEST_LOOK_MS = 60_000;
/** Most waits that are looked at. */
const MOST = 1_000;
const SHOWN = 5;

export class SlotDeadlock implements Service {
  readonly #parts: SlotDeadlockParts;
  readonly #loop: Loop;
  #returned = -1;
  #stillSince = 0;
  #lookMs = LOOK_MS;
  #found = false;

  constructor(parts: SlotDeadlockParts) {
    this.#parts = parts;
    this.#loop = new Loop(parts.runtime, () => this.#tick(), { ref: false, onError: () => LONGEST_LOOK_MS });
  }

  /** For how long it has lasted, in ms; 0: there is none. */
  get forMs(): number {
    const { free, returned } = this.#parts.slots();
    const lasts = this.#found && free <= 0 && returned === this.#returned;
    return lasts ? this.#parts.runtime.monotonicMs() - this.#stillSince : 0;
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #tick(): Promise<number> {
    const { runtime, slots } = this.#parts;
    const { free, returned } = slots();
    const now = runtime.monotonicMs();
    if (free > 0 || returned !== this.#returned) {
      this.#returned = returned;
      this.#stillSince = now;
      this.#lookMs = LOOK_MS;
      this.#found = false;
    } else if (!this.#found && now - this.#stillSince >= STILL_MS) {
      await this.#look();
      this.#lookMs = doubledMs(this.#lookMs, LONGEST_LOOK_MS);
      return this.#lookMs;
    }
    return LOOK_MS;
  }

  async #look(): Promise<void> {
    const { store, log, slots, awaited } = this.#parts;
    const running = slots().running();
    const ids = awaited(MOST);
    if (running.length === 0 || ids.length < running.length) return;
    const children = (await store.find(ids)).filter((step) => this.#needsSlot(step));
    if (!eachHasItsOwn(running, children)) return;
    this.#found = true;
    log.warn(
      { slots: running.length, steps: children.slice(0, SHOWN).map(({ stepId }) => stepId) },
      'the handlers in all slots seem to wait for steps that need a slot to run; see "Waiting inside a handler" in the guide',
    );
  }

  #needsSlot({ status, runAt, type }: StepRecord): boolean {
    return status === 'pending' && runAt <= this.#parts.runtime.wallMs() && this.#parts.handles(type);
  }
}

/** Whether each claim can be given another step, one that was created after it. */
function eachHasItsOwn(claims: readonly string[], steps: readonly StepRecord[]): boolean {
  const claimed = claims
    .map((token) => token.slice(-ID_LENGTH))
    .sort()
    .reverse(); // what stands before the id is a mark
  const created = steps.map(creation).sort().reverse();
  return claimed.every((token, i) => (created[i] ?? '') > token);
}

const ID_LENGTH = 36;
const TIME_ORDERED = /^[\da-f]{8}-[\da-f]{4}-7/;

/** When a step was created, as text that compares with the ids that this process makes. */
function creation({ stepId, createdAt }: StepRecord): string {
  if (TIME_ORDERED.test(stepId)) return stepId;
  const ms = createdAt.toString(16).padStart(12, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}`;
}
