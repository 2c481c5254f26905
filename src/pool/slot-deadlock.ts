/**
 * Detects that the handlers in all slots seem to wait for steps that need one of these slots to run.
 *
 * Invariants:
 * - The store is queried only if all slots have been busy, and no handler has returned, for {@link STILL_MS}; then less and
 *   less often.
 * - A wait with a time-out does not count, because it ends by itself.
 * - For each handler there must be an awaited step that is due and pending, and has a type that this pod handles. Either the
 *   handler has submitted it by `ctx.submit`, at any time: a later run submits the same steps as the first. Or nobody has, it
 *   was created after the handler's step was claimed, and it is another one for each handler. Otherwise code outside the
 *   handlers may be waiting for it.
 * - The detection can be wrong, because nobody knows which code of the process waits for a step. So it only warns.
 * - A deadlock lasts until a handler returns, and is logged once.
 */
import type { Log } from '../log.js';
import { doubledMs } from '../runtime/backoff.js';
import { Loop } from '../runtime/loop.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Service } from '../runtime/service.js';
import type { Claim, StepRecord, StepStore } from '../store/contract.js';

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
  /** What runs, without strays. */
  readonly running: () => readonly RunningHandler[];
}

export interface RunningHandler {
  /** This process makes the tokens, so they are in the order of time. */
  readonly claim: Pick<Claim, 'claimToken'>;
  /** Whether the handler has submitted this step by `ctx.submit`. */
  hasChild(stepId: string): boolean;
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

  /** How long the deadlock has lasted, in ms; 0 if there is none. */
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
    const { handlers, steps } = unmatched(
      running,
      ids.map((stepId) => ({ stepId })),
    );
    if (running.length === 0 || handlers.length > steps.length) return;
    const children = (await store.find(ids)).filter((step) => this.#needsSlot(step));
    if (!eachHasItsOwn(running, children)) return;
    this.#found = true;
    log.warn(
      { slots: running.length, stepIds: children.slice(0, SHOWN).map(({ stepId }) => stepId) },
      'handlers in all slots seem to wait for steps that need a slot to run; see "Waiting inside a handler" in the guide',
    );
  }

  #needsSlot({ status, runAt, type }: StepRecord): boolean {
    return status === 'pending' && runAt <= this.#deps.runtime.wallMs() && this.#deps.handles(type);
  }
}

/** The handlers that have submitted none of these steps by `ctx.submit`, and the steps that none of the handlers has. */
function unmatched<S extends { readonly stepId: string }>(
  running: readonly RunningHandler[],
  awaited: readonly S[],
): { readonly handlers: readonly RunningHandler[]; readonly steps: readonly S[] } {
  return {
    handlers: running.filter((handler) => !awaited.some(({ stepId }) => handler.hasChild(stepId))),
    steps: awaited.filter(({ stepId }) => !running.some((handler) => handler.hasChild(stepId))),
  };
}

/** Whether each handler has submitted one of the steps, or can be matched with one of its own that was created later. */
function eachHasItsOwn(running: readonly RunningHandler[], awaited: readonly StepRecord[]): boolean {
  const { handlers, steps } = unmatched(running, awaited);
  const claimed = handlers
    .map(({ claim }) => claim.claimToken.slice(-ID_LENGTH)) // a mark may precede the id
    .sort()
    .reverse();
  const created = steps.map(creation).sort().reverse();
  return claimed.every((token, i) => (created[i] ?? '') > token);
}

const ID_LENGTH = 36;
const TIME_ORDERED = /^[\da-f]{8}-[\da-f]{4}-7/;
/** Greater than what follows the time in any id. */
const AFTER_ALL = '~';

/** When a step was created, as text that compares with the ids of this process. If only the ms is known, it is its end. */
function creation({ stepId, createdAt }: StepRecord): string {
  if (TIME_ORDERED.test(stepId)) return stepId;
  const ms = createdAt.toString(16).padStart(12, '0');
  return `${ms.slice(0, 8)}-${ms.slice(8)}${AFTER_ALL}`;
}
