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

/**
 * The store committed a change of the fleet's membership. `process` of `registered` is the process whose incarnation it is; of
 * `evicted`, the one that evicted it.
 */
export interface MemberChanged extends At {
  readonly kind: 'member';
  readonly podId: string;
  readonly incarnation: string;
  readonly event: 'registered' | 'left' | 'evicted';
  readonly process?: ProcessName;
  /** With `evicted`: how long the store had not heard of it then. */
  readonly silentForMs?: number;
}

/** A call of the public API begins. `call` numbers it. */
export interface Asked extends At {
  readonly kind: 'asked';
  readonly call: number;
  readonly process: ProcessName;
  readonly method: string;
  readonly stepId?: string;
  /** The idempotency key of a submission. */
  readonly key?: string;
  /** What else distinguishes the call, for people. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What `getStep` and `waitFor` show of a step. */
export interface ShownStep {
  readonly status: StepState['status'];
  readonly version: number;
  readonly retryCount: number;
}

/**
 * That call was answered. Absent for a call that never was.
 *
 * `answer` by method: `getStep`, a {@link ShownStep}, or `null` for no step; `waitFor`, none (it resolved: completed); `cancel`
 * and `retry`, the receipt's word. `stepIds`: what `submit` and `submitMany` resolved with.
 */
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

/** The fields of events that matter to the checker, each where the event has it. */
export interface EventFields {
  readonly podId?: string;
  readonly incarnation?: string;
  readonly attempt?: number;
  readonly reason?: string;
  readonly recoverable?: boolean;
  readonly receipt?: string;
  readonly by?: string;
  readonly refused?: string;
  /** Of its error. */
  readonly code?: string;
}

/**
 * An event of the public API. Of `heartbeat:completed` only those without an error are recorded, and of those only the first
 * after each `pod:fenced`.
 */
export interface Emitted extends At {
  readonly kind: 'event';
  readonly process: ProcessName;
  readonly name: string;
  readonly stepId?: string;
  readonly fields: EventFields;
}

/**
 * A fault begins. `until` is when its effect on the process is over; absent: it is over at once, as the step of a clock is.
 * `process` is absent if it affects all. `name` is the `do` of the plan's action.
 */
export interface Fault extends At {
  readonly kind: 'fault';
  readonly name: string;
  readonly process?: ProcessName;
  readonly until?: number;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** How a process was configured. */
export interface ProcessSettings {
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly slots: number;
  readonly types: readonly string[];
}

/** A process begins, or is gone: killed, or stopped by itself. A process that only submits never has `started`. */
export interface ProcessChanged extends At {
  readonly kind: 'process';
  readonly process: ProcessName;
  readonly podId: string;
  readonly what: 'starts' | 'started' | 'killed' | 'stopping' | 'stopped';
  /** With `starts`, of a process that starts a pod. */
  readonly settings?: ProcessSettings;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The last fault is over, also those of the store by itself, and nothing is submitted any more. */
export interface Calm extends At {
  readonly kind: 'calm';
}

/** The run ends. `steps` and `archived` are what is left after every queue was stopped. */
export interface Finished extends At {
  readonly kind: 'finished';
  readonly steps: readonly StepState[];
  readonly archived: readonly StepState[];
  /** When the fleet had drained, or was given up: before its queues were stopped. */
  readonly drainedAt: number;
  /** The processes with a started pod that were alive then. */
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
    this.entries.push({ at: Math.round(this.#now() * 1_000) / 1_000, ...entry });
  }
}
