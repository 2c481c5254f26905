/**
 * The names and payloads of all events.
 *
 * Invariants:
 * - An event reports what has happened. An event about a settlement is emitted after the store's receipt.
 * - `docs/events.md` describes each event. A test compares it with this file.
 */
import { nearest, show, ValidationError } from '../errors.js';
import { synonymOf } from '../input/field-synonyms.js';
import type { SerializedError } from '../step/serialized-error.js';
import type { CompletedStep, FailedStep, Metadata } from '../step/step.js';
import type { ReleaseReason } from '../step/decide-transition.js';

/** The step types of a queue whose types are not known: any args, any result. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the escape hatch of the type map: assignable both ways
export type AnySteps = Record<string, { args: any; result: any }>;

/** The args that steps of type `K` take. */
export type ArgsOf<S, K extends keyof S> = S[K] extends { args: infer A } ? A : never;
/** The type of the results of steps of type `K`. */
export type ResultOf<S, K extends keyof S> = S[K] extends { result: infer R } ? R : never;

type Known<S> = [keyof S] extends [never] ? AnySteps : S;
type Names<S> = keyof Known<S> & string;

/** The fields of every event of a claimed step. */
export interface StepEvent<K, A> {
  readonly type: K;
  readonly stepId: string;
  readonly args: A;
  readonly metadata: Metadata;
  /** The number of the attempt that the event is about. */
  readonly attempt: number;
  /** The pod that held the claim. */
  readonly podId: string;
}

/** `step:submitted`: the caller's step is stored. */
export interface StepSubmitted<K, A> {
  readonly type: K;
  readonly stepId: string;
  readonly args: A;
  readonly metadata: Metadata;
  /** `duplicate` if the step existed already; `mismatch` if it had another payload. Neither changes the existing step. */
  readonly receipt: 'created' | 'duplicate' | 'mismatch';
}

/** `step:started`: the handler is about to be called. */
export interface StepStarted<K, A> extends StepEvent<K, A> {
  /**
   * How long the step had been due, in ms. Until the store's reply to the claim it is measured by the store's clock, after it
   * by this pod's monotonic clock.
   */
  readonly waitMs: number;
}

export interface StepCompleted<K, A, R> extends StepEvent<K, A> {
  readonly result: R;
  readonly durationMs: number;
  readonly step: CompletedStep<A, R>;
}

export interface StepFailed<K, A> extends StepEvent<K, A> {
  readonly error: SerializedError;
  readonly durationMs: number;
  readonly step: FailedStep<A>;
}

export interface StepRetrying<K, A> extends StepEvent<K, A> {
  readonly error: SerializedError;
  /** The time until the next attempt is due, in ms. */
  readonly delayMs: number;
  readonly durationMs: number;
}

export interface StepReleased<K, A> extends StepEvent<K, A> {
  readonly reason: ReleaseReason | 'orphaned';
  readonly delayMs: number;
  /** The error that the handler threw after it was aborted, unless it was the abort itself. */
  readonly error: SerializedError | undefined;
}

export interface StepTimedOut<K, A> extends StepEvent<K, A> {
  readonly timeoutMs: number;
}

/** `step:lost`: the claim was no longer held when it was settled; the settlement changed nothing. */
export interface StepLost<K, A> extends StepEvent<K, A> {
  /** The status that the refused settlement would have written. */
  readonly refused: 'pending' | 'completed' | 'failed' | 'cancelled';
}

/** `step:cancelled`: emitted by the process that called `cancel`, and by the holder when it learns of it. */
export interface StepCancelled {
  readonly stepId: string;
  readonly type: string;
  readonly by: 'caller' | 'holder';
  /**
   * How long after the cancellation this process learned of it, in ms, on the store's clock. 0 for the caller; `null` if
   * the holder learned of it only when it settled the step.
   */
  readonly latencyMs: number | null;
}

/** A pod, as its peers know it. */
export interface PodEvent {
  readonly podId: string;
  readonly incarnation: string;
}

export interface PodFenced extends PodEvent {
  /**
   * `silent`: no heartbeat was answered in time; `evicted`: peers declared it dead; `superseded`: a younger incarnation
   * of the same podId is live; `frozen`: wall time ran ahead, or the event loop was blocked, for longer than the margin;
   * `outdated`: a newer version has migrated the store.
   */
  readonly reason: 'silent' | 'evicted' | 'superseded' | 'frozen' | 'outdated';
  /** Whether it claims and settles again once a heartbeat is answered. If not, it drains and stays stopped. */
  readonly recoverable: boolean;
}

/** `pod:dead`: the pod was silent for longer than the `deadAfterMs` that it has stated last, or its process has exited. */
export interface PodDead extends PodEvent {
  readonly silentForMs: number;
  readonly reason: 'silent' | 'exited';
}

/** `heartbeat:completed`: a heartbeat of this pod was answered, or has failed. */
export interface HeartbeatCompleted extends PodEvent {
  /** From when it was first sent, in ms. */
  readonly durationMs: number;
  /** Why it failed; `undefined` if it was answered. It is sent again. */
  readonly error: Error | undefined;
}

/** `exchange:completed`: an exchange of this pod with the store was answered, or has failed. */
export interface ExchangeCompleted {
  readonly podId: string;
  readonly durationMs: number;
  /** How many steps it has claimed. */
  readonly claimed: number;
  /** For how many outcomes the receipts have come. */
  readonly settled: number;
  /** Why it failed; `undefined` if it was answered. It is repeated. */
  readonly error: Error | undefined;
}

/** `pod:asleep`: this pod sleeps. Only on a store whose idle pods cost money. */
export interface PodAsleep extends PodEvent {
  /** When the next step that this pod can run is due, in ms; `null` if it knows of none. It wakes by then. */
  readonly nextDueInMs: number | null;
}

/** `pod:awake`: this pod has slept, and works again. */
export interface PodAwake extends PodEvent {
  /** How long it slept, in ms. */
  readonly sleptMs: number;
  /**
   * Why it woke: the table of steps has changed (`change`); a step is due (`due`); this process has submitted or retried a step,
   * or `resume` was called (`local`); the number of steps is not what it was, or could not be checked (`check`); it was time to look (`look`).
   */
  readonly reason: 'change' | 'due' | 'local' | 'check' | 'look';
}

/** `store:throttled`: the store makes this pod exchange less often than it would, or does so for another reason now. */
export interface StoreThrottled {
  readonly podId: string;
  /** The interval between two exchanges, in ms. */
  readonly intervalMs: number;
  /** `slots`: the pods use as many statement slots as they should. `refused`: statements were refused, because too many waited. */
  readonly reason: 'slots' | 'refused';
}

/** The result of a recovery cycle. */
export interface RecoverySummary {
  readonly cycleId: string;
  readonly dryRun: boolean;
  readonly deadPods: readonly PodEvent[];
  /** Ids of claimed steps without a live holder. */
  readonly orphans: readonly string[];
  readonly requeued: readonly string[];
  readonly failed: readonly string[];
  /** Ids of orphans that another pod had settled by then. */
  readonly alreadySettled: readonly string[];
  /** Epoch ms by this pod's wall clock. */
  readonly startedAt: number;
  readonly durationMs: number;
}

/** Every event and its payload, for a queue with the step types `S`. */
export interface EventPayloads<S> {
  'step:submitted': { [K in Names<S>]: StepSubmitted<K, ArgsOf<Known<S>, K>> }[Names<S>];
  'step:claimed': { [K in Names<S>]: StepEvent<K, ArgsOf<Known<S>, K>> }[Names<S>];
  'step:started': { [K in Names<S>]: StepStarted<K, ArgsOf<Known<S>, K>> }[Names<S>];
  'step:completed': { [K in Names<S>]: StepCompleted<K, ArgsOf<Known<S>, K>, ResultOf<Known<S>, K>> }[Names<S>];
  'step:failed': { [K in Names<S>]: StepFailed<K, ArgsOf<Known<S>, K>> }[Names<S>];
  'step:retrying': { [K in Names<S>]: StepRetrying<K, ArgsOf<Known<S>, K>> }[Names<S>];
  'step:cancelled': StepCancelled;
  'step:released': { [K in Names<S>]: StepReleased<K, ArgsOf<Known<S>, K>> }[Names<S>];
  'step:lost': { [K in Names<S>]: StepLost<K, ArgsOf<Known<S>, K>> }[Names<S>];
  'step:timedOut': { [K in Names<S>]: StepTimedOut<K, ArgsOf<Known<S>, K>> }[Names<S>];
  'pod:joined': PodEvent;
  'pod:left': PodEvent;
  'pod:dead': PodDead;
  'pod:fenced': PodFenced;
  /** The pod has nothing to do, and asks the store nothing that costs, until something changes. */
  'pod:asleep': PodAsleep;
  /** A pod that slept is at work again: a heartbeat was answered. */
  'pod:awake': PodAwake;
  'leader:elected': PodEvent;
  'leader:lost': PodEvent;
  'recovery:started': { readonly cycleId: string; readonly dryRun: boolean };
  'recovery:completed': RecoverySummary & { readonly error: SerializedError | undefined };
  'heartbeat:completed': HeartbeatCompleted;
  'exchange:completed': ExchangeCompleted;
  /** The store, or the journal, failed. Emitted once for each outage. */
  'store:error': { readonly operation: string; readonly error: Error };
  /** The operation that failed succeeds again. */
  'store:recovered': { readonly operation: string; readonly downMs: number };
  /** The store makes this pod exchange less often than it would. */
  'store:throttled': StoreThrottled;
  /** It does not any more. */
  'store:relaxed': { readonly podId: string; readonly intervalMs: number };
  /** `stop()` has ended: the pod has left the fleet, and the store is closed. */
  'queue:stopped': {
    readonly podId: string;
    readonly finished: number;
    readonly released: number;
    readonly strays: number;
    /** Outcomes whose receipt had not come when time was up. */
    readonly unsettled: number;
  };
}

/** The payload of an event without what is copied for each listener. */
export type BriefPayload<E extends EventName> = EventPayloads<AnySteps>[E] extends infer P
  ? P extends unknown
    ? Omit<P, 'args' | 'metadata' | 'result' | 'step'>
    : never
  : never;

export type EventName = keyof EventPayloads<AnySteps>;

/** Every event, in the order of the docs. */
export const EVENT_NAMES: readonly EventName[] = [
  'step:submitted',
  'step:claimed',
  'step:started',
  'step:completed',
  'step:failed',
  'step:retrying',
  'step:cancelled',
  'step:released',
  'step:lost',
  'step:timedOut',
  'pod:joined',
  'pod:left',
  'pod:dead',
  'pod:fenced',
  'pod:asleep',
  'pod:awake',
  'leader:elected',
  'leader:lost',
  'recovery:started',
  'recovery:completed',
  'heartbeat:completed',
  'exchange:completed',
  'store:error',
  'store:recovered',
  'store:throttled',
  'store:relaxed',
  'queue:stopped',
];

/** @throws ValidationError `OPTION_INVALID` for an event that does not exist, or a listener that is not a function */
export function checkListener(event: unknown, listener: unknown): void {
  if (!EVENT_NAMES.includes(event as EventName)) {
    const word = String(event);
    const near = synonymOf(word, EVENT_NAMES) ?? nearest(word, EVENT_NAMES);
    const hint = near === undefined ? '' : `; did you mean ${show(near)}?`;
    throw new ValidationError('OPTION_INVALID', 'event', `${show(event)} is not an event${hint}`);
  }
  if (typeof listener !== 'function') {
    throw new ValidationError('OPTION_INVALID', 'listener', `expected a function, got ${show(listener)}`);
  }
}
