/** The timer of the exchange loop is lost: the pod beats on, and only its health can tell that it claims nothing more. */
import { expect, test } from 'vitest';
import type { AnyFleetQ } from 'fleet-q';
import { createHandler } from 'fleet-q/http';
import { VirtualFleet } from '../../faults/support/virtual-fleet.js';

/** The statuses of /livez and /readyz. */
async function probes(queue: unknown): Promise<number[]> {
  const handler = createHandler(queue as AnyFleetQ, { auth: 'a-token-that-nobody-guesses' });
  const answers = ['livez', 'readyz'].map((probe) => handler(new Request(`http://pod/${probe}`)));
  return (await Promise.all(answers)).map(({ status }) => status);
}

test.each([777, 45_000])(
  'the pod is not live within 15 s after the lost timer was due, if it looks for work every %i ms',
  async (everyMs) => {
    const fleet = new VirtualFleet();
    const pod = await fleet.add('ada', {
      options: { claimIntervalMs: everyMs, idleIntervalMs: everyMs },
      prepare: (machine) => {
        const after = machine.after.bind(machine);
        machine.after = (ms, call) => (ms === everyMs ? { cancel: () => undefined } : after(ms, call));
      },
    });
    await fleet.submit({ ms: 1 });
    await fleet.pass(everyMs + 5_000);
    expect(await probes(pod.queue)).toEqual([200, 200]);
    await fleet.pass(10_000);
    expect(await probes(pod.queue)).toEqual([503, 503]);
    expect(pod.queue.health()).toMatchObject({ live: false, ready: false, reasons: ['exchange-stuck'] });
    expect(pod.runs).toEqual([]);
  },
);
