/** An experiment: a fleet on a modelled warehouse, its load, and for how long it is measured. */

export type Scheme = 'fleet-q' | 'naive';

export type Load =
  /** There is always more due than all slots can take. */
  | { readonly kind: 'saturated' }
  /** Steps come at random (Poisson), at this share of the fleet's capacity. */
  | { readonly kind: 'share'; readonly of: number }
  | { readonly kind: 'burst'; readonly steps: number }
  | { readonly kind: 'lone' }
  /** Beside a backlog as in a saturated fleet, so many steps of a higher priority so often. Only these are measured. */
  | { readonly kind: 'urgent'; readonly steps: number; readonly everyMs: number };

/** Whether it goes on until the end of the experiment. */
export function isSteady({ kind }: Load): boolean {
  return kind !== 'burst' && kind !== 'lone';
}

export interface Scenario {
  readonly name: string;
  readonly scheme: Scheme;
  readonly pods: number;
  /** How many of the pods handle the type that has work. Default: all. */
  readonly busyPods?: number;
  readonly slots: number;
  /** Of each pod. Default: that of the library. */
  readonly maxPrefetch?: number;
  readonly stepMs: number;
  readonly load: Load;
  /** DESIGN §3.3: what an UPDATE that has waited for its table reads. */
  readonly reading: 'a' | 'b';
  /** Every so often the pod that has run the last UPDATE of an exchange is killed, and replaced. */
  readonly headsDieEveryMs?: number;
  /** From the time when all pods have started to the measurement, in ms. */
  readonly warmUpMs: number;
  /** At the longest. A burst and a lone step end the run when they are settled. */
  readonly measureMs: number;
  readonly seed: number;
}

export interface Outcome {
  readonly name: string;
  readonly scheme: Scheme;
  readonly pods: number;
  readonly reading: 'a' | 'b';
  /** The share of what the slots could have run, or of the steps that came. */
  readonly capacity: number;
  readonly settledSteps: number;
  readonly doubled: number;
  readonly waiters: number;
  readonly refused: number;
  readonly statementsPer1000: number;
  readonly lockTaking: number;
  readonly startP50S: number;
  readonly startP99S: number;
  /** By how much later than under strict order a step started: the 99th percentile, and the most. */
  readonly lateP99S: number;
  readonly latestS: number;
  readonly settleP50S: number;
  readonly settleP99S: number;
  /** The mean number of slots of the warehouse that were taken. */
  readonly slotsInUse: number;
  readonly creditsPerMillionSteps: number;
  /** From the first submission to the last settlement, of a burst or a lone step; `null` if not all were settled. */
  readonly makespanS: number | null;
  /** What it took on this machine, in CPU seconds. */
  readonly cpuS: number;
}

/** What tells one experiment from another. */
export function labelOf({
  name,
  pods,
  scheme,
  reading,
}: Pick<Scenario, 'name' | 'pods' | 'scheme' | 'reading'>): string {
  return `${pods} pods, ${name}, ${scheme}, reading ${reading}`;
}
