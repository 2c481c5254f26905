/** Three pods and a client that share nothing but a store, whatever the store is. */
import { FleetQ, type AnyFleetQ, type FleetQOptions, type StoreFactory } from 'fleet-q';
import { QUICK, stopped } from '../../support/queues.js';

/** What a fleet stands on. */
export interface Ground {
  /** Intervals that make a fleet quick to act there. */
  readonly timing: Required<Pick<FleetQOptions, 'heartbeatIntervalMs' | 'deadAfterMs'>> & FleetQOptions;
  /** A store of its own for a pod, on the tables of the running test. */
  store(): StoreFactory;
  /** The same, over a line that can be cut. */
  line(): Promise<Line>;
}

export interface Line {
  readonly store: StoreFactory;
  /** From here on nothing comes through, until `mend`. */
  cut(): void;
  mend(): void;
}

export const POD_IDS = ['ada', 'grace', 'linus'] as const;
type PodId = (typeof POD_IDS)[number];

const EVENTS = [
  ...['step:claimed', 'step:completed', 'step:failed', 'step:retrying', 'step:released', 'step:cancelled'],
  ...['pod:fenced', 'leader:elected', 'recovery:completed'],
] as Parameters<AnyFleetQ['on']>[0][];

/** An event as a pod told it. */
export interface Told {
  readonly on: PodId;
  readonly event: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface Fleet {
  /** By seniority, once they are started. */
  readonly pods: Readonly<Record<PodId, AnyFleetQ>>;
  /** It never starts: it submits and asks. */
  readonly client: AnyFleetQ;
  /** What the pods have told so far: all of an event, or what is told of one step. */
  told(event: string, stepId?: string): readonly Told[];
}

export interface FleetPlan {
  /** Gives each queue its step types. */
  readonly register: (queue: FleetQ) => AnyFleetQ;
  /** Options beside the ground's, of all pods or of one. */
  readonly options?: FleetQOptions | ((podId: PodId) => FleetQOptions);
}

/** A fleet of which nobody is started yet. All of it is stopped when the test ends. */
export function assemble(ground: Ground, { register, options = {} }: FleetPlan): Fleet {
  const heard: Told[] = [];
  const queue = (podId: string, over: FleetQOptions) => {
    const { steps: _, ...plain } = { ...QUICK, ...ground.timing, ...over };
    return stopped(register(new FleetQ({ store: ground.store(), podId, ...plain })));
  };
  const pods = POD_IDS.map((podId) => {
    const pod = queue(podId, typeof options === 'function' ? options(podId) : options);
    for (const event of EVENTS) {
      pod.on(event, (payload) => heard.push({ on: podId, event, payload: payload as unknown as Told['payload'] }));
    }
    return [podId, pod] as const;
  });
  return {
    pods: Object.fromEntries(pods) as Record<PodId, AnyFleetQ>,
    client: queue('client', {}),
    told: (event, stepId) =>
      heard.filter((one) => one.event === event && (stepId === undefined || one.payload['stepId'] === stepId)),
  };
}

/** A fleet at work, the eldest first. */
export async function raise(ground: Ground, plan: FleetPlan): Promise<Fleet> {
  const fleet = assemble(ground, plan);
  for (const podId of POD_IDS) await fleet.pods[podId].start();
  return fleet;
}

/** What handlers wait at until the test opens it. */
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
