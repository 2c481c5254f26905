/** What the benchmark needs of a fleet, whatever its scheme. Times are in modelled seconds. */
import type { Warehouse } from '../warehouse.js';

export interface FleetOptions {
  readonly pods: number;
  /** How many steps a pod runs at a time. */
  readonly slots: number;
  /** How long a step runs. */
  readonly stepSeconds: number;
  /** Whether pods may sleep. Default: false. */
  readonly sleeps?: boolean;
}

export interface RunningFleet {
  /** When each step ended and was settled, in the order of settlements. */
  readonly settled: readonly SettledStep[];
  /** How many steps have begun, and when the last one did. */
  readonly begun: number;
  readonly begunAt: number;
  /** How many pods sleep. */
  readonly asleep: number;
  /** Between two looks of an idle pod. */
  readonly lookSeconds: number;
  /** Submits from outside the fleet. These statements have a query tag of their own. */
  submit(count: number): Promise<void>;
  /** Submits steps that no pod may run before {@link release}: a fleet at work would slow the submission down. */
  submitHeld(count: number): Promise<void>;
  /** Makes all held steps due, by one statement. */
  release(): Promise<void>;
  stop(): Promise<void>;
}

export interface SettledStep {
  readonly endedAt: number;
  readonly settledAt: number;
}

/** The query tag of what is sent from outside. */
export const SUBMITTER = 'submitter';

/** A way in which pods share one table. */
export interface Scheme {
  readonly name: 'ours' | 'direct' | 'naive';
  start(warehouse: Warehouse, options: FleetOptions): Promise<RunningFleet>;
}
