/**
 * What will be done to a fleet: its pods, its work, and its faults. A seed makes a plan, and a failing plan is made shorter by
 * leaving parts of it out.
 *
 * Invariants:
 * - A plan is plain JSON. With its seed it decides everything: the same plan gives the same history.
 * - An action names a process by its place in the order of their starts, modulo those that are there. So an action still means
 *   something after others were left out.
 */

export type WorldName = 'sqlite' | 'warehouse';

/** What a step's handler does. It travels in the step's args. */
export interface Behaviour {
  readonly does:
    | 'returns'
    | 'throws'
    | 'throws once'
    | 'hangs' // until its signal aborts
    | 'ignores its signal'
    | 'answers late' // after its time-out
    | 'releases once'
    | 'kills its pod'
    | 'kills its pod once'
    | 'fails permanently' // throws a PermanentFailureError
    | 'retries later'
    | 'submits another'
    | 'submits many'
    | 'waits for another' // without a time-out, until it has waited for long
    | 'waits for a stranger' // the same, for a step that it has not submitted by its context
    | 'cancels itself'
    | 'returns what JSON cannot carry'
    | 'returns too much'
    | 'throws oddly'
    | 'returns oddly';
  readonly forMs: number;
  /** Which of the odd values, of the ways to submit, or of the answers of a schema. */
  readonly odd?: number;
  /** Makes the args long, and the result of a step that returns. */
  readonly filler?: string;
}

/** How steps are submitted. */
export type SubmissionForm =
  | 'one by one'
  | 'by definition'
  | 'under a key'
  | 'under a key, by definition'
  | 'for an instant'
  | 'without ids'
  | 'each twice'
  | 'without args';

export type WaitHow = 'for all' | 'briefly' | 'aborted before' | 'aborted later' | 'without a time-out';

export interface PodPlan {
  readonly types: readonly string[];
  /** It handles so many further types, for backlogs. */
  readonly many?: number;
  /** Another queue in the same process, with the same types. */
  readonly hasMate?: boolean;
  readonly slots: number;
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
}

export type Action = { readonly at: number } & (
  | {
      readonly do: 'submit';
      readonly count: number;
      readonly type: string;
      readonly priority: number;
      readonly delayMs: number;
      readonly maxRetries: number;
      readonly behaviour: Behaviour;
      /** Submitted by two submitters at once. */
      readonly keyed?: boolean;
      /** In which form the steps are submitted. Default: as a list, each with its id. */
      readonly form?: SubmissionForm;
    }
  /** By two callers at once, if it says so. */
  | { readonly do: 'cancel' | 'retry' | 'read'; readonly step: number; readonly twice?: boolean }
  /** With other args, if it says so. */
  | { readonly do: 'resubmit'; readonly step: number; readonly other?: boolean }
  | { readonly do: 'wait'; readonly step: number; readonly how?: WaitHow }
  /** Many small steps at once, of as many types as a pod of `many` handles. */
  | {
      readonly do: 'backlog';
      readonly types: number;
      readonly each: number;
      readonly priorities: number;
      /** All of them are due after this time. */
      readonly delayMs: number;
    }
  | { readonly do: 'look'; readonly from?: number } // what only reads: lists, counts, the fleet, the leader …
  | { readonly do: 'misuse'; readonly from?: number } // calls with bad input
  /** A recovery cycle by hand, or what it would do. */
  | { readonly do: 'recover'; readonly how?: 'a preview' }
  | {
      readonly do: 'crash';
      readonly pod: number;
      readonly when: 'now' | 'after its next statement' | 'before its next reply';
    }
  | { readonly do: 'freeze'; readonly pod: number; readonly forMs: number; readonly monotonic: 'runs' | 'stops' }
  | {
      readonly do: 'cut';
      readonly pod: number | 'all';
      readonly forMs: number;
      readonly how: 'fails' | 'hangs' | 'loses';
    }
  /** The whole fleet is cut off again and again: for `awayMs`, with `backMs` between. */
  | { readonly do: 'flaps'; readonly awayMs: number; readonly backMs: number; readonly forMs: number }
  | { readonly do: 'slow'; readonly forMs: number; readonly byMs: number }
  /** SQLite: somebody's SQL writes rows, in one of some ways. */
  | { readonly do: 'sql'; readonly nth: number }
  /** SQLite: another program has locked the file. */
  | { readonly do: 'lock'; readonly forMs: number }
  | { readonly do: 'clock'; readonly pod: number; readonly byMs: number }
  | { readonly do: 'drift'; readonly pod: number; readonly perMille: number }
  | { readonly do: 'suspend'; readonly pod: number; readonly forMs: number }
  | {
      readonly do: 'stalls';
      readonly pod: number;
      readonly eachMs: number;
      readonly everyMs: number;
      readonly forMs: number;
    }
  | { readonly do: 'restart'; readonly pod: number; readonly hard: boolean }
  | { readonly do: 'double'; readonly pod: number }
  | { readonly do: 'roll'; readonly everyMs: number }
  | { readonly do: 'scale'; readonly to: number }
  /** A step is submitted at the instant at which a pod decides to sleep. */
  | { readonly do: 'surprise'; readonly pod: number; readonly forMs: number; readonly atFirst?: true }
  | { readonly do: 'replace' | 'replay'; readonly pod: number; readonly forMs: number }
  | { readonly do: 'evict'; readonly pod: number; readonly forMs: number }
  | { readonly do: 'breakRecovery'; readonly pod: number; readonly forMs: number }
  | { readonly do: 'pause'; readonly pod: number; readonly forMs: number }
);

/** How the store misbehaves by itself, each as a probability per call or a bound in ms. */
export interface Hazards {
  /** The longest that a call takes, each way. */
  readonly latencyMs: number;
  /** The call is applied, and its reply is lost. */
  readonly lostReply: number;
  /** The call fails, and is not applied. */
  readonly failure: number;
  /** The call fails, and is applied later. */
  readonly lateApplication: number;
  /** The call is applied twice: the second time later. */
  readonly duplicate: number;
  /** SQLite: another process has locked the file, or the disk is full. Absent: never. */
  readonly busy?: number;
  /** The longest by which a read may miss what others have committed. */
  readonly lateReadMs: number;
  /** An UPDATE's source is as old as its start; its target is checked when it is applied. */
  readonly oldSources: boolean;
  /** The change token is read late, or early, by as much at most. */
  readonly tokenLateMs: number;
  /** The warehouse suspends after this time without a statement; 0: never. */
  readonly suspendAfterMs: number;
  /** The warehouse is too small for the fleet. Absent: it has room. */
  readonly small?: SmallWarehouse;
  /** An UPDATE of an exchange is refused for its values: a request that it would serve is bad. Absent: never. */
  readonly badRequest?: number;
  /** The session ends with a statement about steps, other than an exchange. Absent: no more than others. */
  readonly sessionEnds?: number;
}

export interface SmallWarehouse {
  /** How many statements run at a time. */
  readonly slots: number;
  /** How many may wait for a table, or to insert into it; the next is refused. */
  readonly waiters: number;
  /** How long an INSERT keeps others from inserting; 0: not at all. */
  readonly insertLockMs: number;
  /** By how much longer each statement works. */
  readonly slowerMs: number;
}

/** What distinguishes the processes of a plan from those of others. */
export interface Habits {
  /** Processes have subscribers of the tracing channels, which set this carrier. */
  readonly carrier?: number;
  /** How long ended steps are kept, in ms. */
  readonly keepMs?: number;
  /** SQLite: the host proves that a process has exited. */
  readonly provesExits?: boolean;
  /** The warehouse: pods never sleep, or a pod that sleeps compares the number of steps often. Absent: neither. */
  readonly sleeps?: 'never' | 'checks often';
  /** The warehouse: exchanges are always logged, or never. Absent: as the load has it. */
  readonly combines?: 'always' | 'never';
  /** Somebody listens to the exchanges of each pod, and nobody to its heartbeats and submissions. */
  readonly hearsExchanges?: boolean;
  /** The client knows the types, and refuses others. */
  readonly refusesUnknown?: boolean;
}

export interface Plan {
  readonly seed: number;
  readonly world: WorldName;
  readonly pods: readonly PodPlan[];
  readonly hazards: Hazards;
  readonly habits?: Habits;
  /** In the order of their times. */
  readonly actions: readonly Action[];
  /** When the last action and the last fault are over. */
  readonly calmAt: number;
}
