/**
 * The queue of a test fleet: one interface for all its processes.
 *
 * Invariants:
 * - It submits and reads as a process of its own, which survives the crash of every pod.
 * - A call of the test that needs time moves time. A call of a handler does not: it only lets time move.
 */
import { listingOf, type StepFilter } from '../client/step-listing.js';
import type { EventName } from '../events.js';
import type { AnyFleetQ } from '../queue-interface.js';
import type { RecoveryOptions } from '../fleet/recovery.js';
import type { FleetEvents } from './fleet-events.js';

export interface FleetQueueDependencies {
  /** Submits and reads. It is never started. */
  readonly client: AnyFleetQ;
  readonly events: FleetEvents;
  readonly register: (definition: unknown) => void;
  /** Lets a call end that may need time. */
  readonly serve: <T>(call: () => Promise<T>) => Promise<T>;
  readonly waitFor: (stepId: string, options: unknown) => Promise<unknown>;
  /** Starts the pods. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** The queues of the pods that are alive. */
  readonly queues: () => readonly AnyFleetQ[];
  readonly pause: (paused: boolean) => void;
  /** Moves time until the call has ended. */
  readonly move: <T>(call: () => Promise<T>) => Promise<T>;
}

/** The methods that the client answers, and that need no more than that. */
const CLIENT = [
  ...['connect', 'submit', 'submitWithReceipt', 'submitMany', 'submitManyWithReceipts', 'getStep', 'cancel', 'retry'],
  ...['stats', 'diagnose', 'pods', 'leader'],
] as const;

type Method = (...args: never[]) => Promise<unknown>;

export function fleetQueue(deps: FleetQueueDependencies): AnyFleetQ & { register(...args: unknown[]): unknown } {
  const { client, events, serve, move } = deps;
  const own = (method: (typeof CLIENT)[number]): Method => {
    const call: Method = client[method].bind(client);
    return (...args) => serve(() => call(...args));
  };
  const first = (): AnyFleetQ => deps.queues()[0] ?? client;
  const leader = (): AnyFleetQ => deps.queues().find((queue) => queue.health().isLeader) ?? first();
  const answered = Object.fromEntries(CLIENT.map((method) => [method, own(method)])) as Pick<
    AnyFleetQ,
    (typeof CLIENT)[number]
  >;
  const queue = {
    ...answered,
    get podId() {
      return first().podId;
    },
    storeName: client.storeName,
    register: (definition: unknown, run?: unknown, options?: object) => {
      deps.register(typeof definition === 'string' ? { ...options, type: definition, run } : definition);
      return queue;
    },
    start: () => deps.start(),
    stop: () => deps.stop(),
    [Symbol.asyncDispose]: () => deps.stop(),
    pause: () => deps.pause(true),
    resume: () => deps.pause(false),
    waitFor: (stepId: string, options?: unknown) => deps.waitFor(stepId, options) as Promise<never>,
    listSteps: (filter?: StepFilter) => {
      const listing = client.listSteps(filter);
      return listingOf((after) => serve(() => listing.page(after)));
    },
    health: () => first().health(),
    runRecovery: (options?: RecoveryOptions) => move(() => leader().runRecovery(options)),
    recoveryHistory: (options?: { readonly limit?: number }) => move(() => leader().recoveryHistory(options)),
    on: (event: EventName, listener: (payload: never) => unknown) => events.on(event, listener),
    onBrief: (event: EventName, listener: (payload: never) => unknown) => events.on(event, listener, { brief: true }),
    once: (event: EventName, listener: (payload: never) => unknown) => events.on(event, listener, { once: true }),
    off: (event: EventName, listener: (payload: never) => unknown) => events.off(event, listener),
  };
  return queue;
}
