/**
 * A fleet to which everything happens that has an event: steps of every fate, an outage of the store, and a leader that is
 * frozen until the other pod has taken its place and its steps.
 */
import type { AnyFleetQ, FleetQ, FleetQOptions } from 'fleet-q';
import { onTestFinished } from 'vitest';
import { LOOKED, RECOVERED, VirtualFleet, type VirtualPod } from '../../faults/support/virtual-fleet.js';

export interface FleetInTrouble {
  readonly fleet: VirtualFleet;
  /** Leads at first. Its store is away for a while, one of its handlers is a stray, and it loses two claims while it is frozen. */
  readonly ada: VirtualPod;
  /** Evicts the other, recovers its steps, and leads from then on. */
  readonly grace: VirtualPod;
}

/**
 * @param optionsOf the options of a pod
 * @param watch called with each pod before it starts
 */
export async function fleetInTrouble(
  optionsOf: (podId: string) => Pick<FleetQOptions, 'logger' | 'logPayloads'>,
  watch: (pod: VirtualPod) => void,
): Promise<FleetInTrouble> {
  const fleet = new VirtualFleet();
  const add = (podId: string): Promise<VirtualPod> =>
    fleet.add(podId, {
      options: optionsOf(podId),
      prepare: (_machine, pod) => {
        registerMore(pod);
        watch(pod);
      },
    });
  const ada = await add('ada');
  await workOf(ada, fleet);
  ada.line.breaks('fails');
  await fleet.pass(3_000);
  ada.line.heals();
  await fleet.pass(3_000);
  await fleet.submit({ ms: 15_000 }, { ms: 15_000, deaf: true });
  await fleet.pass(LOOKED);
  const grace = await add('grace');
  ada.freeze();
  await fleet.pass(RECOVERED);
  ada.thaw();
  await fleet.pass(20_000);
  return { fleet, ada, grace };
}

function registerMore({ queue }: VirtualPod): void {
  const never = new Promise<void>((resolve) => onTestFinished(() => resolve()));
  (queue as unknown as FleetQ)
    .register('fails', () => Promise.reject(new Error('no')), { maxRetries: 1 })
    .register('hangs', () => never, { timeoutMs: 500, maxRetries: 0 })
    .register('gives-back', (_args: object, { release }) => release({ delayMs: 600_000 }));
}

/** A step fails, one hangs beyond its time-out, one completes, one is given back, and two are cancelled. */
async function workOf(pod: VirtualPod, fleet: VirtualFleet): Promise<void> {
  const queue = pod.queue as unknown as AnyFleetQ;
  const work = { type: 'work', stepId: 'twice', args: { ms: 1 }, metadata: { by: 'test' } };
  await fleet.until(queue.submitMany([{ type: 'fails' }, { type: 'hangs' }, work]));
  await fleet.until(queue.submit({ ...work, args: { ms: 2 } }));
  const ids = await fleet.until(queue.submitMany([{ type: 'gives-back' }, { type: 'work', args: { ms: 60_000 } }]));
  await fleet.pass(LOOKED);
  for (const id of ids) await fleet.until(queue.cancel(id));
  await fleet.pass(5_000);
}
