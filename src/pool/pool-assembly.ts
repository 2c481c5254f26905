/** Makes the parts of a pool and connects them. Each constructor lists what its object needs. */
import type { Events } from '../events.js';
import type { Log } from '../log.js';
import type { Settings } from '../options.js';
import { Condition } from '../runtime/condition.js';
import type { Runtime } from '../runtime/runtime.js';
import type { Settler } from '../settlement/settler.js';
import type { StepRegistry } from '../step/step-registry.js';
import type { Store } from '../store/contract.js';
import { HeldClaims } from './claims/held-claims.js';
import type { OutboxEntry } from './claims/outbox.js';
import { CancellationWatch } from './exchange/cancellation-watch.js';
import { ClaimIntake } from './exchange/claim-intake.js';
import { HeartbeatReconciler } from './exchange/heartbeat-reconciler.js';
import { ExchangeChannel } from './exchange/exchange-channel.js';
import { ExchangeLoop } from './exchange/exchange-loop.js';
import { CompletionRate } from './execution/completion-rate.js';
import type { ChildSubmitter } from './execution/context.js';
import { Executor } from './execution/executor.js';
import { SlotFiller } from './execution/slot-filler.js';
import { TimeSlice } from './execution/time-slice.js';
import { Handlers } from './handlers/handlers.js';
import { SuspectIsolation } from './suspects/suspect-isolation.js';
import { PoolsOfProcess } from './suspects/pools-of-process.js';
import { ClaimPlanner } from './planning/claim-planner.js';
import { PoolStateMachine } from './pool-state.js';
import { bugReporter } from './bug-reporter.js';

export interface PoolDependencies {
  readonly store: Pick<Store, 'exchange' | 'cancelled' | 'staleReadMs' | 'sleep'>;
  readonly runtime: Runtime;
  readonly events: Events;
  readonly log: Log;
  readonly settler: Settler;
  readonly settings: Settings;
  readonly registry: StepRegistry;
  /** Submits what handlers submit. */
  readonly submitter: ChildSubmitter;
  /** Calls back soon after others changed something in the store. Returns what ends it. */
  readonly watch?: (onChange: () => void) => () => void;
  /** The drain time is over and handlers still run. */
  readonly onDrainOver?: () => void;
  /** The self-fence, asked right before anything starts or is settled. After a freeze it says no before `fence` is called. */
  readonly mayProceed?: () => boolean;
}

/** What the parts report to the pool. */
export interface PoolCallbacks {
  /** A claim was put into the outbox. */
  readonly onEnded: (entry: OutboxEntry) => void;
  /** A handler has returned. */
  readonly onReturned: (wasStray: boolean) => void;
}

export interface PoolAssembly {
  readonly state: PoolStateMachine;
  readonly handlers: Handlers;
  readonly processPools: PoolsOfProcess;
  readonly isolation: SuspectIsolation;
  readonly claims: HeldClaims;
  readonly executor: Executor;
  readonly slots: SlotFiller;
  readonly channel: ExchangeChannel;
  readonly planner: ClaimPlanner;
  readonly loop: ExchangeLoop;
  readonly cancellations: CancellationWatch;
  readonly reconciler: HeartbeatReconciler;
  /** Notified when an outcome arrives, a handler returns, or an exchange is over. */
  readonly progress: Condition;
}

export function assemble(deps: PoolDependencies, { onEnded, onReturned }: PoolCallbacks): PoolAssembly {
  const { store, runtime, events, log, settler, settings, registry, submitter, mayProceed = () => true } = deps;
  const { abortGraceMs, maxPayloadBytes } = settings;
  const progress = new Condition(runtime);
  const state = new PoolStateMachine(bugReporter(runtime, log));
  const handlers = new Handlers(registry, settings.timeoutMs);
  const claims = new HeldClaims(onEnded);
  const channel = new ExchangeChannel({ store, runtime, settler, events, log });
  const processPools = new PoolsOfProcess(runtime, {
    quiet: () => claims.empty && channel.idle(claims.pod),
    hasStrays: () => claims.running.strays > 0,
    claimsAlone: () => !state.isFenced && channel.claimsAlone,
  });
  const isolation = new SuspectIsolation(() => runtime.random(), processPools);
  const rate = new CompletionRate(settings.slots);
  const slice = new TimeSlice();
  const executor = new Executor({
    runtime,
    events,
    log,
    submitter,
    abortGraceMs,
    maxPayloadBytes,
    state,
    claims,
    rate,
    slots: settings.slots,
    mayProceed,
    onReturned,
  });
  const slots = new SlotFiller({
    runtime,
    slots: settings.slots,
    state,
    claims,
    executor,
    isolation,
    slice,
    mayProceed,
  });
  const sleeps = store.sleep !== undefined;
  const planner = new ClaimPlanner({ settings, handlers, claims, rate, pace: channel, isolation, sleeps });
  const intake = new ClaimIntake({ events, log, state, handlers, claims, isolation });
  const onExchanged = (): void => progress.notify();
  const loop = new ExchangeLoop({
    runtime,
    log,
    state,
    claims,
    slots,
    slice,
    planner,
    isolation,
    channel,
    intake,
    settler,
    mayProceed,
    answerWithinMs: settings.deadAfterMs,
    onExchanged,
  });
  const cancellations = new CancellationWatch({
    store,
    runtime,
    log,
    stepIds: () => claims.withoutOutcome().map(({ claim }) => claim.stepId),
    onCancelled: ({ stepId, agoMs }, askedAt) =>
      executor.cancel(stepId, agoMs, ({ claimedAt }) => claimedAt <= askedAt),
  });
  const { staleReadMs } = store;
  const reconciler = new HeartbeatReconciler({ runtime, log, staleReadMs, claims, executor, channel, cancellations });
  return {
    state,
    handlers,
    processPools,
    isolation,
    claims,
    executor,
    slots,
    channel,
    planner,
    loop,
    cancellations,
    reconciler,
    progress,
  };
}
