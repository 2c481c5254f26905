/** The clock of a test fleet. */
import { ValidationError, show } from '../errors.js';
import { checkFields, boolean, instant, milliseconds, type FieldChecks } from '../input/field-checks.js';
import { isoTime, sleep } from '../runtime/runtime.js';
import type { VirtualRuntime } from '../runtime/virtual-runtime.js';
import type { HandlerRuns } from './handler-runs.js';

/** How time moves. */
export interface MoveOptions {
  /**
   * Whether time moves although handlers run. Default `false`: it waits, in real time, until each handler has returned or
   * waits for the fleet. With `true` a handler that hangs reaches its `timeoutMs`, and one that waits for real I/O may
   * find that hours have passed.
   */
  readonly whileRunning?: boolean;
}

/** The clock of a test fleet. It stands still until the test moves it. */
export interface TestClock {
  /** Epoch ms by the fleet's clock: what `runAt` and `createdAt` are compared with. */
  now(): number;
  /**
   * Moves time, and runs what is due on the way. Resolves when the time has passed and no handler runs any more.
   *
   * @param ms milliseconds of virtual time, 0 or more; with 0 what is due now runs
   * @example await fleet.clock.advance(60_000);
   * @throws ValidationError `OPTION_INVALID`
   * @throws FleetStuckError `running` if a handler does not return within `realTimeoutMs` of real time
   */
  advance(ms: number, options?: MoveOptions): Promise<void>;
  /**
   * Moves time to this instant, and runs what is due on the way; see {@link TestClock.advance}.
   *
   * @param to a Date or epoch ms, not before `now()`
   */
  advanceTo(to: Date | number, options?: MoveOptions): Promise<void>;
  /**
   * Waits for virtual time: for handlers, whose code sleeps by a function that the test replaces. Time may move while a
   * handler waits here.
   *
   * @param signal ends the wait early
   * @example const worker = createWorker({ sleep: (ms, signal) => fleet.clock.sleep(ms, signal) });
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

const MOVE: FieldChecks = { whileRunning: boolean };

/** @throws ValidationError `OPTION_INVALID` */
function checkMoveOptions(options: MoveOptions): void {
  checkFields(options, MOVE, 'OPTION_INVALID', 'options');
}

export interface VirtualClockDependencies {
  readonly world: VirtualRuntime;
  /** The machine whose timers are those of {@link TestClock.sleep}. */
  readonly machine: VirtualRuntime;
  readonly runs: HandlerRuns;
  readonly advance: (ms: number, options: MoveOptions) => Promise<void>;
}

export class VirtualClock implements TestClock {
  readonly #deps: VirtualClockDependencies;

  constructor(deps: VirtualClockDependencies) {
    this.#deps = deps;
  }

  now(): number {
    return this.#deps.world.wallMs();
  }

  async advance(ms: number, options: MoveOptions = {}): Promise<void> {
    milliseconds(ms, 'ms', 'OPTION_INVALID');
    checkMoveOptions(options);
    await this.#deps.advance(ms, options);
  }

  async advanceTo(to: Date | number, options: MoveOptions = {}): Promise<void> {
    instant(to, 'to', 'OPTION_INVALID');
    const now = this.now();
    if (Number(to) < now) {
      const problem = `expected an instant from ${isoTime(now)} on, got ${show(to)}; time never goes back`;
      throw new ValidationError('OPTION_INVALID', 'to', problem);
    }
    await this.advance(Number(to) - now, options);
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    milliseconds(ms, 'ms', 'OPTION_INVALID');
    const { machine, runs } = this.#deps;
    const wait = (): Promise<void> => sleep(machine, ms, signal);
    await (runs.current?.wait(wait) ?? wait());
  }
}
