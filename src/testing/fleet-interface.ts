/** The public interface of a test fleet. Types only; `test-fleet.ts` implements it. */
import type { StepFilter } from '../client/step-listing.js';
import type { FleetQ, StepOf } from '../queue-interface.js';
import type { Step } from '../step/step.js';
import type { AnyDefinition, StepDefinition } from '../step/type-map.js';
import type { TestRun } from './handler-run.js';
import type { MoveOptions, TestClock } from './test-clock.js';
import type { CrashOptions, TestPod } from './test-pod.js';

/** How {@link TestFleet.drain} drains. */
export interface DrainOptions extends MoveOptions {
  /** Drains until this step has ended, and leaves the others. Default: until every step has. */
  readonly untilStep?: string;
  /** Step types that may be left: those that another service handles. Default: none. */
  readonly ignore?: readonly string[];
  /** The virtual time that it may take, in ms. Default: 366 days. */
  readonly withinMs?: number;
}

/** What happened while the fleet was drained. */
export interface Drained {
  /** Calls of handlers, also those that failed, and those whose pod died. */
  readonly runs: number;
  /** The steps that have ended, by status. */
  readonly completed: number;
  readonly failed: number;
  readonly cancelled: number;
  /** How far the clock has moved, in ms. */
  readonly elapsedMs: number;
}

/** When {@link TestFleet.crashDuring} lets a pod die. */
export interface CrashDuringOptions extends CrashOptions {
  /**
   * `end`: when the handler has returned or thrown, before the fleet knows of it. All that it did is done, and is done
   * again: the hardest case for a handler. `start`: before its first line. Default `end`.
   */
  readonly at?: 'start' | 'end';
  /** At how many calls: 1 to 1,000. Default 1. */
  readonly times?: number;
}

/** Which pod {@link TestFleet.addPod} adds. */
export interface AddPodOptions {
  /** Its name. Default: `pod-2`, `pod-3` … */
  readonly podId?: string;
  /** The step types that it handles. Default: those of the fleet. */
  readonly steps?: readonly AnyDefinition[];
}

/**
 * A fleet for tests: pods with the real engine, a store in memory, and a clock that only the test moves.
 *
 * Nothing runs by itself: a step that was submitted waits until the test moves time, by {@link TestFleet.drain}, by
 * `clock.advance`, or by `queue.waitFor`. Then handlers run as in production, and their real I/O takes the real time that it takes.
 *
 * @typeParam S the step types, as of `FleetQ`
 */
export interface TestFleet<S = {}> extends AsyncDisposable {
  /**
   * The fleet's queue: pass it to the code under test. It works even if every pod has crashed. Its events are those of all
   * pods; `waitFor` moves time until the step has ended.
   */
  readonly queue: FleetQ<S>;
  readonly clock: TestClock;
  /** The pods, in the order in which they were added. A pod that has crashed stays here, and so does its successor: they are one. */
  readonly pods: readonly TestPod[];

  /** Starts the pods. Optional: the first movement of time does so. */
  start(): Promise<void>;
  /**
   * Moves time until nothing is left to do: also through delays, retries, and the recovery from crashes.
   *
   * @example expect(await fleet.drain()).toMatchObject({ completed: 2, failed: 0 });
   * @throws FleetStuckError if steps are left that will not end; it lists them, and says why
   * @throws ValidationError `OPTION_INVALID`
   */
  drain(options?: DrainOptions): Promise<Drained>;
  /** All steps, the oldest first, or those that match the filter: what was enqueued, and what became of it. */
  steps<T extends keyof S & string>(
    filter: StepFilter & { readonly type: T },
  ): Promise<readonly Extract<StepOf<S>, { readonly type: T }>[]>;
  steps<A, R>(definition: StepDefinition<string, A, R>): Promise<readonly Step<A, R>[]>;
  steps(filter?: StepFilter): Promise<readonly StepOf<S>[]>;
  /**
   * The calls of handlers so far, in the order in which they began.
   *
   * @param of a step type, or its definition. Default: all
   * @example expect(fleet.runs(sendEmail).map(({ outcome }) => outcome)).toEqual(['crashed', 'returned']);
   */
  runs(of?: AnyDefinition | (keyof S & string)): readonly TestRun[];

  /** Adds a pod, and starts it. */
  addPod(options?: AddPodOptions): Promise<TestPod>;
  /**
   * The pod dies that runs the next handler of this type. Its steps are recovered and run again: a handler that is not
   * idempotent shows it.
   *
   * @param of a step type, or its definition
   * @example fleet.crashDuring(sendEmail);
   * @throws ValidationError `OPTION_INVALID`
   */
  crashDuring(of: AnyDefinition | (keyof S & string), options?: CrashDuringOptions): void;
  /**
   * For code that a handler calls, such as a stub of a mail server: the pod of that handler dies here. The promise never
   * settles, so the handler goes no further.
   *
   * @example const mailer = { send: async (mail) => { outbox.push(mail); if (outbox.length === 1) await fleet.crashHere(); } };
   * @throws FleetQError `NOT_STARTED` if no handler of this fleet has called it
   */
  crashHere(options?: CrashOptions): Promise<never>;
  /** No process reaches the store any more, {@link TestFleet.queue} included: its calls reject with `STORE_UNAVAILABLE`. */
  disconnect(): void;
  /** All processes reach the store again. */
  reconnect(): void;

  /** Ends the fleet: aborts the handlers that run, and frees everything. Call it after each test, or use `await using`. */
  stop(): Promise<void>;
}
