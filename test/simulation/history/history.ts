/**
 * What happened to one simulated fleet, in the order in which it happened: what the store committed, what callers were answered,
 * what handlers ran, what was emitted, and which faults came.
 *
 * Invariants:
 * - Nothing here imports from `src`: the checker judges the library by this record alone.
 * - Everything is plain JSON, and the same seed gives the same text.
 * - Times are the world's, in ms since it began. No pod's clock is involved.
 */

/** One process that embeds a queue: `p1`, `p2` … A restart is another process. Two processes may have one podId. */
export type ProcessName = string;

/** A row of a step as the store holds it. */
export interface StepState {
  readonly stepId: string;
  /** Two rows of one step differ in it. */
  readonly rowId: string;
  readonly status: 'pending' | 'claimed' | 'completed' | 'failed' | 'cancelled';
  readonly type: string;
  readonly version: number;
  readonly retryCount: number;
  readonly maxRetries: number;
  readonly crashes: number;
  readonly priority: number;
  /** When it is due, by the world's time. */
  readonly dueAt: number;
  readonly claimToken: string | null;
  /** The incarnation that holds, or last held, the step. */
  readonly claimedIncarnation: string | null;
  readonly settledBy: string | null;
  /** The error's code, or `null`. */
  readonly errorCode: string | null;
}

interface At {
  readonly at: number;
}

/** The store committed a change of one row. `before` is absent for a new row, `after` for a removed one. */
export interface RowChanged extends At {
  readonly kind: 'row';
  readonly table: 'steps' | 'archive';
  readonly before?: StepState;
  readonly after?: StepState;
  /** The process whose call or statement made the change; absent: nobody's (plain SQL, or not known). */
  readonly process?: ProcessName;
}

/** The store committed a change of the fleet's membership. */
export interface MemberChanged extends At {
  readonly kind: 'member';
  readonly podId: string;
  readonly incarnation: string;
  readonly event: 'registered' | 'left' | 'evicted';
  readonly process?: ProcessName;
}

/** A call of the public API begins. `call` numbers it. */
export interface Asked extends At {
  readonly kind: 'asked';
  readonly call: number;
  readonly process: ProcessName;
  readonly method: string;
  readonly stepId?: string;
  /** What distinguishes the call: an idempotency key, a type … */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** That call was answered. Absent for a call that never was. */
export interface Told extends At {
  readonly kind: 'told';
  readonly call: number;
  readonly stepIds?: readonly string[];
  readonly answer?: unknown;
  /** The code of the error with which it rejected. */
  readonly error?: string;
}

/** A handler begins, and ends. `run` numbers the runs. */
export interface RunBegan extends At {
  readonly kind: 'began';
  readonly run: number;
  readonly process: ProcessName;
  readonly stepId: string;
  readonly attempt: number;
}
export interface RunEnded extends At {
  readonly kind: 'ended';
  readonly run: number;
  readonly how: 'returned' | 'threw' | 'released';
  /** Whether its signal had been aborted by then. */
  readonly aborted: boolean;
}

/** An event of the public API, with the fields that matter to the checker. */
export interface Emitted extends At {
  readonly kind: 'event';
  readonly process: ProcessName;
  readonly name: string;
  readonly stepId?: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A fault begins; `untilMs` is when it ends, if it does by itself. `process` is absent if it affects all. */
export interface Fault extends At {
  readonly kind: 'fault';
  readonly name: string;
  readonly process?: ProcessName;
  readonly until?: number;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** A process begins, or is gone: killed, or stopped by itself. */
export interface ProcessChanged extends At {
  readonly kind: 'process';
  readonly process: ProcessName;
  readonly podId: string;
  readonly what: 'starts' | 'started' | 'killed' | 'stopping' | 'stopped';
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The last fault is over, and nothing is submitted any more. */
export interface Calm extends At {
  readonly kind: 'calm';
}

/** The run ends: what is left by then. */
export interface Finished extends At {
  readonly kind: 'finished';
  readonly steps: readonly StepState[];
  readonly archived: readonly StepState[];
  /** The processes that are alive. */
  readonly alive: readonly {
    readonly process: ProcessName;
    readonly podId: string;
    readonly incarnation: string;
    readonly isLeader: boolean;
    readonly phase: string;
    readonly problems: readonly string[];
    readonly held: number;
  }[];
  /** Timers that are left, by process, after each queue was stopped. */
  readonly timersLeft: Readonly<Record<ProcessName, number>>;
}

export type Entry =
  RowChanged | MemberChanged | Asked | Told | RunBegan | RunEnded | Emitted | Fault | ProcessChanged | Calm | Finished;

/** Entries without their time, as they are recorded. */
export type Unstamped = Entry extends infer E ? (E extends Entry ? Omit<E, 'at'> : never) : never;

export class History {
  readonly entries: Entry[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  add(entry: Unstamped): void {
    this.entries.push({ at: Math.round(this.#now() * 1_000) / 1_000, ...entry } as Entry);
  }
}
