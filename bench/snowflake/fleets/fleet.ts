/** What the benchmark needs of a fleet, whatever its scheme. Times are in modelled seconds. */
import type { Warehouse } from '../warehouse.js';

export interface FleetOptions {
  readonly pods: number;
  /** How many steps a pod runs at a time. */
  readonly slots: number;
  /** How long a step runs. */
  readonly stepSeconds: number;
}

export interface RunningFleet {
  /** When each step began, ended and was settled, in the order of settlements. */
  readonly settled: readonly SettledStep[];
  /** How many steps have begun. */
  readonly begun: number;
  submit(count: number): Promise<void>;
  stop(): Promise<void>;
}

export interface SettledStep {
  readonly endedAt: number;
  readonly settledAt: number;
}

/** A way in which pods share one table. */
export interface Scheme {
  readonly name: 'ours' | 'direct' | 'naive';
  start(warehouse: Warehouse, options: FleetOptions): Promise<RunningFleet>;
}
