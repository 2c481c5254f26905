/** Three pods and a client that share only a store, of any kind. */
import { FleetQ, type AnyFleetQ, type FleetQOptions, type StoreFactory } from 'fleet-q';
import { QUICK, stopped } from '../../support/queues.js';

/** The store under a fleet, and what a test can do to it. */
export interface Ground {
  /** Intervals that make a fleet on this store react quickly. */
  readonly timing: Required<Pick<FleetQOptions, 'heartbeatIntervalMs' | 'deadAfterMs'>> & FleetQOptions;
  /** A store for one pod, on the tables of the running test. */
  store(): StoreFactory;
  /** The same, over a connection that can be cut. */
  line(): Promise<Line>;
}

export interface Line {
  readonly store: StoreFactory;
  /** Cuts the connection until `mend`. */
  cut(): void;
  mend(): void;
}

export const POD_IDS = ['ada', 'grace', 'linus'] as const;
type PodId = (typeof POD_IDS)[number];

const EVENTS = [
  ...['step:claimed', 'step:completed', 'step:failed', 'step:retrying', 'step:released', 'step:cancelled'],
  ...['pod:fenced', 'leader:elected', 'recovery:completed'],
] as Parameters<AnyFleetQ['on']>[0][];

/** An event as a pod emitted it. */
export interface Emitted {
  readonly on: PodId;
  readonly event: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface Fleet {
  /** The oldest first, once they are started. */
  readonly pods: Readonly<Record<PodId, AnyFleetQ>>;
  /** It never starts; it submits and reads. */
  readonly client: AnyFleetQ;
  /** The events that the pods have emitted so far: all of one name, or only those of one step. */
  emitted(event: string, stepId?: string): readonly Emitted[];
}

export interface FleetPlan {
  /** Gives each queue its step types. */
  readonly register: (queue: FleetQ) => AnyFleetQ;
  /** Further options, of all pods or of one. */
  readonly options?: FleetQOptions | ((podId: PodId) => FleetQOptions);
}

/** A fleet whose pods are not started yet. All of them are stopped when the test ends. */
export function assemble(ground: Ground, { register, options = {} }: FleetPlan): Fleet {
  const heard: Emitted[] = [];
  const queue = (podId: string, over: FleetQOptions) => {
    const { steps: _, ...plain } = { ...QUICK, ...ground.timing, ...over };
    return stopped(register(new FleetQ({ store: ground.store(), podId, ...plain })));
  };
  const pods = POD_IDS.map((podId) => {
    const pod = queue(podId, typeof options === 'function' ? options(podId) : options);
    for (const event of EVENTS) {
      pod.on(event, (payload) => heard.push({ on: podId, event, payload: payload as unknown as Emitted['payload'] }));
    }
    return [podId, pod] as const;
  });
  return {
    pods: Object.fromEntries(pods) as Record<PodId, AnyFleetQ>,
    client: queue('client', {}),
    emitted: (event, stepId) =>
      heard.filter((one) => one.event === event && (stepId === undefined || one.payload['stepId'] === stepId)),
  };
}

/** A running fleet, the oldest first. */
export async function raise(ground: Ground, plan: FleetPlan): Promise<Fleet> {
  const fleet = assemble(ground, plan);
  for (const podId of POD_IDS) await fleet.pods[podId].start();
  return fleet;
}

/** A gate: handlers wait at it until the test opens it. */
export function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open: () => open(), opened };
}

/** Resolves once the signal has aborted, with its reason. */
export function aborted(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });
}
