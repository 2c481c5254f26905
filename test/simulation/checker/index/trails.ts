/**
 * The history, sorted by what it is about: steps, rows, claims, runs, incarnations, processes, calls.
 *
 * Invariants:
 * - Every trail is in the order of the history. `index` is the place of an entry in it.
 * - A trail says what happened. It judges nothing.
 */
import type {
  Asked,
  Emitted,
  Fault,
  MemberChanged,
  ProcessSettings,
  RowChanged,
  RunBegan,
  RunEnded,
  StepState,
  Told,
} from '../../history/history.js';

export interface Placed<E> {
  readonly index: number;
  readonly at: number;
  readonly entry: E;
}

export type PlacedEvent = Placed<Emitted>;
export type PlacedFault = Placed<Fault>;

export interface RowChange extends Placed<RowChanged> {
  readonly before: StepState | undefined;
  readonly after: StepState | undefined;
  readonly row: RowTrail;
  /** The claim that this change makes. */
  claims?: Claim;
  /** The claim that this change ends. */
  ends?: Claim;
}

/** One row of the table of steps. */
export interface RowTrail {
  readonly step: StepTrail;
  readonly rowId: string;
  readonly changes: RowChange[];
  /** The row as it stands at the end of the history so far. */
  state: StepState | undefined;
  /** The claim that is held. */
  claim: Claim | undefined;
}

/** What an incarnation holds from the change that makes it until the change that ends it. */
export interface Claim {
  readonly row: RowTrail;
  readonly made: RowChange;
  readonly state: StepState;
  readonly life: Life | undefined;
  ended?: RowChange;
  readonly runs: Run[];
}

export interface Run {
  readonly run: number;
  readonly began: Placed<RunBegan>;
  ended?: Placed<RunEnded>;
  readonly step: StepTrail;
  readonly process: ProcessTrail;
  /** The newest claim of the step that an incarnation of the process had made by then. */
  readonly claim: Claim | undefined;
}

export interface StepTrail {
  readonly stepId: string;
  readonly rows: RowTrail[];
  /** Of all rows. */
  readonly changes: RowChange[];
  readonly archived: Placed<RowChanged>[];
  readonly claims: Claim[];
  readonly runs: Run[];
  readonly events: PlacedEvent[];
  readonly calls: Call[];
}

/** One life of a pod. */
export interface Life {
  readonly incarnation: string;
  readonly podId: string;
  process: ProcessTrail | undefined;
  registered?: Placed<MemberChanged>;
  left?: Placed<MemberChanged>;
  evicted?: Placed<MemberChanged>;
  readonly claims: Claim[];
}

export interface ProcessTrail {
  readonly name: string;
  readonly podId: string;
  settings: ProcessSettings | undefined;
  startsAt: number;
  startedAt: number | undefined;
  killedAt: number | undefined;
  stoppingAt: number | undefined;
  stoppedAt: number | undefined;
  readonly lives: Life[];
  readonly events: PlacedEvent[];
  /** Of this process alone. */
  readonly faults: PlacedFault[];
  readonly runs: Run[];
  readonly calls: Call[];
}

export interface Call {
  readonly asked: Placed<Asked>;
  told?: Placed<Told>;
  readonly process: ProcessTrail;
}

export function isTerminal(status: StepState['status'] | undefined): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}
