/** The public interface of a queue. Types only; `fleetq.ts` implements it. */
import type { CancelResult, RetryResult } from './client/step-commands.js';
import type { StepFilter, StepListing } from './client/step-listing.js';
import type { WaitOptions } from './client/wait-options.js';
import type { AnySteps, ArgsOf, BriefPayload, EventName, EventPayloads, RecoverySummary, ResultOf } from './events.js';
import type { Health } from './fleet/health.js';
import type { RecoveryOptions } from './fleet/recovery.js';
import type { FleetQOptions } from './options.js';
import type { PodReport } from './pod-report.js';
import type { LeaderReport, QueueStats, StatsOptions } from './stats.js';
import type { StepContext } from './step/handler-context.js';
import type { JsonGuard } from './step/json.js';
import type { Step } from './step/step.js';
import type { StepInput, SubmitOptions } from './step/step-input.js';
import type {
  AnyDefinition,
  ArgsThenOptions,
  NoneTwice,
  NotYet,
  OptionsOfEach,
  StepDefinition,
  StepId,
  StepsIn,
  StepTypeOptions,
} from './step/type-map.js';
import type { Finding, SubmitReceipt } from './store/contract.js';

/** A step as `submit` takes it. `args` may be left out if the handler takes none. */
export type SubmitInput<S, T extends keyof S & string> = StepInput<T, ArgsOf<S, T>> &
  (undefined extends ArgsOf<S, T> ? unknown : { readonly args: ArgsOf<S, T> });

/** A step of any of the types `T`. */
export type SubmitUnion<S, T extends keyof S & string> = { [K in T]: SubmitInput<S, K> & { readonly type: K } }[T];

/** A submitted step, and whether it is new. */
export interface Submitted<R = unknown> {
  readonly stepId: StepId<R>;
  readonly receipt: SubmitReceipt;
}

/** A step as a reader sees it; check `type` to narrow its args and result. */
export type StepOf<S> = [keyof S] extends [never]
  ? Step
  : { [T in keyof S & string]: Step<ArgsOf<S, T>, ResultOf<S, T>> & { readonly type: T } }[keyof S & string];

/**
 * A durable task queue, and, once started, a pod of its fleet.
 *
 * @typeParam S the step types: from `steps`, from `register`, or named by a process that only submits
 */
export interface FleetQ<S = {}> extends AsyncDisposable {
  /** The name of this pod. */
  readonly podId: string;
  /** The kind of the store: `sqlite`, `snowflake`, or the name of another factory. */
  readonly storeName: string;

  /**
   * Adds a step type, before `start`. Returns this queue, with the type added to its type.
   *
   * @throws ValidationError `STEP_TYPE_INVALID`, `STEP_TYPE_DUPLICATE`
   * @throws FleetQError `REGISTER_LATE` after `start`
   */
  register<const T extends string, A, R>(
    definition: StepDefinition<T, A, R> & NotYet<S, T>,
  ): FleetQ<S & { [K in T]: { args: A; result: R } }>;
  register<const T extends string, A = undefined, R = void>(
    type: T & NotYet<S, T>,
    run: ((args: A, context: StepContext) => R | Promise<R>) &
      JsonGuard<NoInfer<A>, 'args'> &
      JsonGuard<NoInfer<R>, 'the result'>,
    options?: StepTypeOptions,
  ): FleetQ<S & { [K in T]: { args: A; result: R } }>;

  /**
   * Opens the store, and does not start. A process that only submits may call it at its start, so that it fails early;
   * every other call opens the store too. If it fails, it may be called again. A second call returns when the store is open.
   *
   * @throws StoreError if the store cannot be opened
   * @throws StoppedError after `stop`
   */
  connect(): Promise<void>;
  /**
   * Opens the store, joins the fleet, and begins to claim and run steps. A second call returns the same promise.
   *
   * @throws StoreError if the store cannot be opened
   * @throws StoppedError if `stop` was called before or meanwhile; nothing is left open then
   */
  start(): Promise<void>;
  /**
   * Stops claiming, lets running steps finish within `drainTimeoutMs`, aborts the rest, gives back the other claims
   * uncharged, leaves the fleet and closes the store. Idempotent; never rejects.
   *
   * Calls are served until the last handler has ended and the last promise of a listener has settled. Listeners have until
   * the drain time is over, and at least two seconds. A handler must not await `stop`, which waits for the handler.
   */
  stop(): Promise<void>;
  /** Stops claiming on this pod until `resume`. Running steps continue; claims that have not started are given back. */
  pause(): void;
  /** Claims again after `pause`. */
  resume(): void;

  /**
   * Submits a step. When it resolves, the step survives the death of any process.
   *
   * With a definition, the args and the result are typed by the definition alone, and its schema checks the args. The type
   * need not be registered on this queue: a process that only submits may use it, and `unknownTypes` does not apply.
   * `args` may be left out if the handler takes none.
   *
   * @example
   * const id = await queue.submit(resize, { file: 'a.png', width: 640 }, { priority: 5 });
   * @throws ValidationError if the input is not acceptable; nothing was written
   * @throws StoreError if the store failed; the step may or may not exist
   * @throws StoppedError after `stop`
   */
  submit<A, R>(
    definition: StepDefinition<string, A, R>,
    ...rest: ArgsThenOptions<NoInfer<A>, SubmitOptions>
  ): Promise<StepId<R>>;
  /**
   * Submits a step of a type that this queue knows, as one object.
   *
   * @example
   * const id = await queue.submit({ type: 'resize', args: { file: 'a.png', width: 640 }, priority: 5 });
   */
  submit<T extends keyof S & string>(step: SubmitInput<S, T> & { readonly type: T }): Promise<StepId<ResultOf<S, T>>>;
  /**
   * Like `submit`, and says whether the step is new: `created`, `duplicate`, or `mismatch` (the id exists with another
   * payload).
   */
  submitWithReceipt<A, R>(
    definition: StepDefinition<string, A, R>,
    ...rest: ArgsThenOptions<NoInfer<A>, SubmitOptions>
  ): Promise<Submitted<R>>;
  submitWithReceipt<T extends keyof S & string>(
    step: SubmitInput<S, T> & { readonly type: T },
  ): Promise<Submitted<ResultOf<S, T>>>;
  /**
   * Submits many steps, in commits of a bounded size, and keeps their order. All are checked before any is written. A step
   * that is named twice is one step.
   *
   * With a definition, the steps are of its type. Options are for all of them, or made for each by a function, which alone
   * may give a `stepId` or an `idempotencyKey`.
   *
   * @example
   * await queue.submitMany(resize, files.map((file) => ({ file, width: 640 })), (args) => ({ idempotencyKey: args.file }));
   * @throws ValidationError also if one `stepId` or `idempotencyKey` stands for two different steps of the call
   * @throws SubmitIncompleteError if the store failed on the way; it carries the ids that are safe
   */
  submitMany<A, R>(
    definition: StepDefinition<string, A, R>,
    argsList: Iterable<NoInfer<A>>,
    options?: OptionsOfEach<NoInfer<A>, SubmitOptions>,
  ): Promise<StepId<R>[]>;
  submitMany<T extends keyof S & string>(steps: Iterable<SubmitUnion<S, T>>): Promise<StepId<ResultOf<S, T>>[]>;
  /** Like `submitMany`, and says of each step whether it is new, in the order of the call; see `submitWithReceipt`. */
  submitManyWithReceipts<A, R>(
    definition: StepDefinition<string, A, R>,
    argsList: Iterable<NoInfer<A>>,
    options?: OptionsOfEach<NoInfer<A>, SubmitOptions>,
  ): Promise<Submitted<R>[]>;
  submitManyWithReceipts<T extends keyof S & string>(
    steps: Iterable<SubmitUnion<S, T>>,
  ): Promise<Submitted<ResultOf<S, T>>[]>;

  /**
   * Reads a step. On a store with late reads (Snowflake) the answer may be as old as `staleReadMs`, and a step that is not
   * found is read a second time.
   *
   * @throws StepNotFoundError
   */
  getStep(stepId: string): Promise<StepOf<S>>;
  /**
   * Resolves with the step's result once it has completed, on whatever process.
   *
   * @throws StepFailedError, StepCancelledError, StepNotFoundError, WaitTimeoutError, StoppedError
   * @throws FleetQError `WAIT_ABORTED` if the signal aborts; `RESULT_UNREADABLE` if the stored result is no JSON
   */
  waitFor<R>(stepId: StepId<R>, options?: WaitOptions): Promise<R>;
  /** The steps that match the filter, page by page; an async iterable. */
  listSteps(filter?: StepFilter): StepListing<StepOf<S>>;
  /**
   * Makes a pending or claimed step terminal at once. Its handler, on whatever pod, is aborted. On a store with late reads
   * the step is read a second time before the call is refused, unless the step has completed.
   *
   * @throws StoreError `STORE_BUSY` if the step keeps changing, or the store does not show its state
   */
  cancel(stepId: string): Promise<CancelResult>;
  /**
   * Makes a failed or cancelled step pending again, due now, with its counts reset. On a store with late reads the step is
   * read a second time before the call is refused, unless the step has completed.
   *
   * @throws StoreError `STORE_BUSY` if the store does not show the step's state
   */
  retry(stepId: string): Promise<RetryResult>;

  /**
   * Counts of steps, pods and capacity. Pass `maxAgeMs` where you ask often: all readers of this process then share counts.
   *
   * @throws ValidationError `OPTION_INVALID`
   */
  stats(options?: StatsOptions): Promise<QueueStats>;
  /**
   * Whether this pod works: it is unhealthy if its loops have stopped, not only if the process is gone. It reads memory, and
   * never asks the store.
   *
   * A queue that was never started is ready once its store is open. If a call of it fails because the store does not
   * answer, it is not ready until the store answers again, which it finds out in the background.
   */
  health(): Health;
  /**
   * Checks the store, this process and the fleet, and says what to do about what is wrong. Works before `start`, and also
   * if the store cannot be opened: the finding `store` or the finding of the store then says why.
   *
   * It opens, creates, migrates and changes nothing in the store. A check that cannot be made is a finding, too. On
   * Snowflake it needs the warehouse, and logs in once more. It may take up to a few minutes if the store does not answer.
   *
   * @returns one finding for each check, without secrets. The page Diagnosis explains each
   * @throws StoppedError after `stop`
   */
  diagnose(): Promise<readonly Finding[]>;
  /**
   * The pods that have neither left nor been evicted, the oldest first. A started pod answers from its last heartbeat, so
   * the report is as old as `leader()` says in `lastElectionCheckMs`. Otherwise the store is asked.
   */
  pods(): Promise<readonly PodReport[]>;
  /** The leader, as this pod knows it; before `start`, as the store does. */
  leader(): Promise<LeaderReport>;
  /**
   * Runs one recovery cycle now.
   *
   * @throws FleetQError `NOT_LEADER` if another pod leads, unless `force`; `NOT_STARTED` before `start`
   */
  runRecovery(options?: RecoveryOptions): Promise<RecoverySummary>;
  /** The recovery cycles that this pod has run as leader, newest first. */
  recoveryHistory(options?: { readonly limit?: number }): Promise<readonly RecoverySummary[]>;

  /**
   * Calls `listener` after each event of this name. An error of the listener is logged and affects nothing else.
   *
   * @returns a function that removes the listener
   */
  on<E extends EventName>(event: E, listener: (payload: EventPayloads<S>[E]) => unknown): () => void;
  /**
   * Like `on`, with a payload that is cheap to make: it has no `args`, `metadata`, `result` and `step`, whose copies cost more
   * than the rest of the event. For listeners that count. Their payload
   * is read-only, and they may run in any async context.
   *
   * @returns a function that removes the listener
   */
  onBrief<E extends EventName>(event: E, listener: (payload: BriefPayload<E>) => unknown): () => void;
  /** Like `on`, for the next event only. */
  once<E extends EventName>(event: E, listener: (payload: EventPayloads<S>[E]) => unknown): () => void;
  /** Removes a listener of `on` or `once`. */
  off<E extends EventName>(event: E, listener: (payload: EventPayloads<S>[E]) => unknown): void;
}

/** A queue of any step types, for functions that take one. Nothing can be registered with it. */
export type AnyFleetQ = Omit<FleetQ<AnySteps>, 'register'>;

/** The step types of a queue: `type Steps = StepsOf<typeof queue>`. */
export type StepsOf<Q> = Q extends FleetQ<infer S> ? S : never;

/** The constructor of queues, and `fromEnv`. */
export interface FleetQConstructor {
  /**
   * @example new FleetQ({ store: sqlite({ path: 'queue.db' }), steps: [resize, sendEmail] })
   * @throws ValidationError `OPTION_INVALID`, `STEP_TYPE_INVALID`, `STEP_TYPE_DUPLICATE`
   */
  new <const L extends readonly AnyDefinition[]>(
    options: FleetQOptions & { readonly steps: L & NoneTwice<L> },
  ): FleetQ<StepsIn<L>>;
  new <S = {}>(options?: FleetQOptions & { readonly steps?: undefined }): FleetQ<S>;
  /**
   * A queue whose options come from the `FLEET_Q_*` environment variables; `options` override them. The names are those
   * of the Python FLEET-Q, where it has the option.
   *
   * A `concurrency` in `options` overrides `FLEET_Q_MAX_PARALLELISM` and `FLEET_Q_CAPACITY_THRESHOLD` too, and a
   * `maxParallelism` or `capacityThreshold` overrides `FLEET_Q_CONCURRENCY`.
   *
   * If `options` name no store, it is Snowflake if `FLEET_Q_SNOWFLAKE_ACCOUNT` is set, else SQLite at
   * `FLEET_Q_SQLITE_PATH`.
   *
   * @throws ValidationError `OPTION_INVALID`, naming the variable; also if a variable of Snowflake is set and the account
   * or the database is missing
   */
  fromEnv<const L extends readonly AnyDefinition[]>(
    options: FleetQOptions & { readonly steps: L & NoneTwice<L> },
    env?: Readonly<Record<string, string | undefined>>,
  ): FleetQ<StepsIn<L>>;
  fromEnv<S = {}>(
    options?: FleetQOptions & { readonly steps?: undefined },
    env?: Readonly<Record<string, string | undefined>>,
  ): FleetQ<S>;
}
