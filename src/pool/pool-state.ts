/**
 * The state of the pool: one value, the table of its transitions, and what each state permits.
 *
 * The state has three parts that change independently: the lifecycle, the membership in the fleet, and the pause. A fence is
 * `halt` or `retire` together with the abort of running handlers: the abort is an action, not a state.
 *
 * Invariants:
 * - The state is immutable. Only `apply` replaces it, and only the pool calls `apply`; everything else reads.
 * - An event changes the part that lists it and no other part.
 * - A part that forbids something forbids it whatever the other parts are.
 * - `retired` and `stopped` are permanent.
 * - An event that the table does not list for a state is a bug of the library. `onBug` gets it, and the state stays as it is.
 */

/** `draining`: `stop` was called; running handlers may end, and ended claims are settled. */
export type Lifecycle = 'new' | 'running' | 'draining' | 'stopped';

/**
 * `outside`: no heartbeat has been answered yet. `halted`: the pod may have been declared dead, so everything waits for
 * the next answer. `asleep`: it holds nothing, and waits for the answer to a heartbeat that wakes it. `retired`: the pod
 * has left the fleet permanently (superseded, or draining); claims that it still runs are settled.
 */
export type Membership = 'outside' | 'admitted' | 'halted' | 'asleep' | 'retired';

export interface PoolState {
  readonly lifecycle: Lifecycle;
  readonly membership: Membership;
  readonly paused: boolean;
}

export type PoolEvent = 'start' | 'drain' | 'stop' | 'admit' | 'halt' | 'sleep' | 'retire' | 'pause' | 'resume';

/** What the pool may do in a state. */
export interface Permissions {
  readonly mayClaim: boolean;
  /** What there is to do may be read, so that an idle pod can fall asleep. It never claims by that. */
  readonly mayLook: boolean;
  /** Claims that have not started are kept. Otherwise they are given back. */
  readonly mayKeep: boolean;
  readonly mayStart: boolean;
  readonly maySettle: boolean;
}

export const INITIAL_STATE: PoolState = Object.freeze({ lifecycle: 'new', membership: 'outside', paused: false });

type Table<K extends string, V> = Readonly<Record<K, Readonly<Partial<Record<PoolEvent, V>>>>>;

const LIFECYCLE: Table<Lifecycle, Lifecycle> = {
  new: { start: 'running', drain: 'draining' },
  running: { drain: 'draining' },
  draining: { stop: 'stopped' },
  stopped: {},
};

/** The heartbeat outlives the pool, so these events come in every lifecycle. */
const MEMBERSHIP: Table<Membership, Membership> = {
  outside: { admit: 'admitted', halt: 'halted', retire: 'retired' },
  admitted: { admit: 'admitted', halt: 'halted', sleep: 'asleep', retire: 'retired' },
  halted: { admit: 'admitted', halt: 'halted', retire: 'retired' },
  asleep: { admit: 'admitted', halt: 'halted', retire: 'retired' },
  retired: { admit: 'retired', halt: 'retired', retire: 'retired' },
};

const PAUSED: Readonly<Partial<Record<PoolEvent, boolean>>> = { pause: true, resume: false };

type Activity = keyof Permissions;

const FORBIDDEN_BY_LIFECYCLE: Readonly<Record<Lifecycle, readonly Activity[]>> = {
  new: [],
  running: [],
  draining: ['mayClaim', 'mayLook', 'mayKeep', 'mayStart'],
  stopped: ['mayClaim', 'mayLook', 'mayKeep', 'mayStart', 'maySettle'],
};

const FORBIDDEN_BY_MEMBERSHIP: Readonly<Record<Membership, readonly Activity[]>> = {
  outside: ['mayClaim', 'mayLook', 'mayStart'],
  admitted: [],
  halted: ['mayClaim', 'mayLook', 'mayStart', 'maySettle'],
  asleep: ['mayClaim', 'mayLook', 'mayStart', 'maySettle'],
  retired: ['mayClaim', 'mayLook', 'mayKeep', 'mayStart'],
};

const FORBIDDEN_BY_PAUSE: readonly Activity[] = ['mayClaim', 'mayKeep', 'mayStart'];

/** The state after the event; `undefined` if the table does not list the event for this state. */
export function nextState(state: PoolState, event: PoolEvent): PoolState | undefined {
  const lifecycle = LIFECYCLE[state.lifecycle][event];
  if (lifecycle !== undefined) return Object.freeze({ ...state, lifecycle });
  const membership = MEMBERSHIP[state.membership][event];
  if (membership !== undefined) return Object.freeze({ ...state, membership });
  const paused = PAUSED[event];
  return paused === undefined ? undefined : Object.freeze({ ...state, paused });
}

export function permissionsOf({ lifecycle, membership, paused }: PoolState): Permissions {
  const forbidden = [
    ...FORBIDDEN_BY_LIFECYCLE[lifecycle],
    ...FORBIDDEN_BY_MEMBERSHIP[membership],
    ...(paused ? FORBIDDEN_BY_PAUSE : []),
  ];
  return Object.freeze({
    mayClaim: !forbidden.includes('mayClaim'),
    mayLook: !forbidden.includes('mayLook'),
    mayKeep: !forbidden.includes('mayKeep'),
    mayStart: !forbidden.includes('mayStart'),
    maySettle: !forbidden.includes('maySettle'),
  });
}

/** The state as everything but the pool sees it. */
export interface ReadonlyPoolState {
  readonly current: PoolState;
  readonly permissions: Permissions;
  /** `stop` was called: an error that a handler throws because of that is not charged. */
  readonly isStopping: boolean;
}

export class PoolStateMachine implements ReadonlyPoolState {
  readonly #onBug: (problem: string) => void;
  #current = INITIAL_STATE;
  #permissions = permissionsOf(INITIAL_STATE);

  /** @param onBug gets an event that is not listed for the state: `bugReporter` makes it */
  constructor(onBug: (problem: string) => void) {
    this.#onBug = onBug;
  }

  get current(): PoolState {
    return this.#current;
  }

  get permissions(): Permissions {
    return this.#permissions;
  }

  get isStopping(): boolean {
    return this.#current.lifecycle === 'draining' || this.#current.lifecycle === 'stopped';
  }

  /** Whether the pod may not claim, start or settle as a member of the fleet. */
  get isFenced(): boolean {
    return this.#current.membership === 'halted' || this.#current.membership === 'retired';
  }

  apply(event: PoolEvent): void {
    const next = nextState(this.#current, event);
    if (next === undefined) return this.#onBug(`unexpected event ${event} of a pool in state ${shown(this.#current)}`);
    this.#current = next;
    this.#permissions = permissionsOf(next);
  }
}

function shown({ lifecycle, membership, paused }: PoolState): string {
  return `${lifecycle}, ${membership}${paused ? ', paused' : ''}`;
}
