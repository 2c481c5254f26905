/**
 * Detects that the handlers in all slots seem to wait for steps that need one of these slots to run.
 *
 * Invariants:
 * - The store is queried only if all slots have been busy, and no handler has returned, for {@link STILL_MS}; then less and
 *   less often.
 * - A wait with a time-out does not count, because it ends by itself.
 * - For each handler there must be another awaited step that was created after the handler's step was claimed, is due and
 *   pending, and has a type that this pod handles. Otherwise code outside the handlers may be waiting for it.
 * - The detection can be wrong, because nobody knows which code of the process waits for a step. So it only warns.
 * - A deadlock lasts until a handler returns, and is logged once.
 */
import type { Log } from '../log.js';
import { doubledMs } from '../runtime/backoff.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import type { StepRecord, StepStore } from '../store/contract.js';

export interface SlotDeadlockDependencies {
  readonly runtime: Runtime;
  readonly store: Pick<StepStore, 'find'>;
  readonly log: Log;
  readonly slots: () => SlotUse;
  /** Whether this pod handles the type. */
  readonly handles: (type: string) => boolean;
  /** Steps that this process waits for without a time-out, at most `most`. */
  readonly awaited: (most: number) => readonly string[];
}

export interface SlotUse {
  readonly free: number;
  /** Handlers that have returned so far. */
  readonly returned: number;
  /** The claim tokens of what runs, without strays. This process makes them, so they are in the order of time. */
  readonly running: () => readonly string[];
}

/** How long no handler must have returned, in ms. */
const STILL_MS = 15_000;
const CHECK_MS = 5_000;
const LONGEST_CHECK_MS = 60_000;
/** The most awaited steps that are examined. */
const MOST = 1_000;
/** The most steps in the log line. */
const SHOWN = 5;

export class SlotDeadlock implements Service {
  readonly #deps: SlotDeadlockDependencies;
  readonly #loop: Loop;
  #returned = -1;
  #stillSince = 0;
  #checkMs = CHECK_MS;
  #found = false;

  constructor(deps: SlotDeadlockDependencies) {
    this.#deps = deps;
    this.#loop = new Loop(deps.runtime, () => this.#tick(), { ref: false, onError: () => LONGEST_CHECK_MS });
  }

  /** How long the deadlock has lasted, in ms; 0: there is none. */
  get forMs(): number {
    const { free, returned } = this.#deps.slots();
    const lasts = this.#found && free <= 0 && returned === this.#returned;
    return lasts ? this.#deps.runtime.monotonicMs() - this.#stillSince : 0;
  }

  start(): Promise<void> {
    return this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  async #tick(): Promise<number> {
    const { runtime, slots } = this.#deps;
    const { free, returned } = slots();
    const now = runtime.monotonicMs();
    if (free > 0 || returned !== this.#returned) {
      this.#returned = returned;
      this.#stillSince = now;
      this.#checkMs = CHECK_MS;
      this.#found = false;
    } else if (!this.#found && now - this.#stillSince >= STILL_MS) {
      await this.#check();
      this.#checkMs = doubledMs(this.#checkMs, LONGEST_CHECK_MS);
      return this.#checkMs;
    }
    return CHECK_MS;
  }

  async #check(): Promise<void> {
    const { store, log, slots, awaited } = this.#deps;
    const running = slots().running();
    const ids = awaited(MOST);
    if (running.length === 0 || ids.length < running.length) return;
    const children = (await store.find(ids)).filter((step) => this.#needsSlot(step));
    if (!eachHasItsOwn(running, children)) return;
    this.#found = true;
    log.warn(
      { slots: running.length, steps: children.slice(0, SHOWN).map(({ stepId }) => stepId) },
      'handlers in all slots seem to wait for steps that need a slot to run; see "Waiting inside a handler" in the guide',
    );
  }

  #needsSlot({ status, runAt, type }: StepRecord): boolean {
    return status === 'pending' && runAt <= this.#deps.runtime.wallMs() && this.#deps.handles(type);
  }
}

/** Whether each claim can be matched with a step of its own that was created after it. */
function eachHasItsOwn(claims: readonly string[], steps: readonly StepRecord[]): boolean {
  const claimed = claims
    .map((token) => token.slice(-ID_LENGTH))
    .sort()
    .reverse(); // a mark may precede the id
  const created = steps.map(creation).sort().reverse();
  return claimed.every((token, i) => (created[i] ?? '') > token);
}

const ID_LENGTH = 36;
const TIME_ORDERED = /^[\da-f]{8}-[\da-f]{4}-7/;

/** When a step was created, as text that compares with the ids of this process. */
function creation({ stepId, createdAt }: StepRecord): string {
  if (TIME_ORDERED.test(stepId)) return stepId;
  const ms = createdAt.toString(16).padStart(12, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}`;
}
