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
    | 'returns what JSON cannot carry'
    | 'returns too much';
  readonly forMs: number;
}

export interface PodPlan {
  readonly types: readonly string[];
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
      /** Each step is submitted by itself under an idempotency key, by two submitters at once. */
      readonly keyed?: boolean;
      /** Each step is submitted by itself. */
      readonly alone?: boolean;
    }
  | { readonly do: 'retry'; readonly step: number; /** By two callers at once. */ readonly twice?: boolean }
  | { readonly do: 'cancel' | 'resubmit' | 'wait' | 'read'; readonly step: number }
  | { readonly do: 'look' } // everything that only reads: lists, counts, the fleet, the leader …
  | { readonly do: 'misuse' } // calls with bad input
  | { readonly do: 'recover' } // a recovery cycle by hand
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
  /** The longest by which a read may miss what others have committed. */
  readonly lateReadMs: number;
  /** An UPDATE's source is as old as its start; its target is checked when it is applied. */
  readonly oldSources: boolean;
  /** The change token is read late, or early, by as much at most. */
  readonly tokenLateMs: number;
  /** The warehouse suspends after this time without a statement; 0: never. */
  readonly suspendAfterMs: number;
}

export interface Plan {
  readonly seed: number;
  readonly world: WorldName;
  readonly pods: readonly PodPlan[];
  readonly hazards: Hazards;
  /** In the order of their times. */
  readonly actions: readonly Action[];
  /** When the last action and the last fault are over. */
  readonly calmAt: number;
}
