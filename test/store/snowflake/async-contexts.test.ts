/** The async contexts of the application, and the sessions that its requests share. */
import { FleetQ } from 'fleet-q';
import { snowflake } from 'fleet-q/snowflake';
import { expect, test } from 'vitest';
import { createdInRequests, finishedRequest, inRequest, kept, requestName } from '../../support/contexts.js';
import { stopped } from '../../support/queues.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

describeOnTestBed('a request whose call opens the store', () => {
  const { options, place } = useStores();

  test('leaves no connection, no timer and no `connection` function in its context', async () => {
    const seen: string[] = [];
    const connection = (): ReturnType<typeof options> => {
      seen.push(requestName());
      return options();
    };
    const queue = stopped(
      inRequest('construction', () => new FleetQ({ store: snowflake({ connection, ...place(), staleReadMs: 200 }) })),
    ).register('work', () => 1);
    const created = createdInRequests((name) => name !== 'construction');
    const requests = [
      await finishedRequest('opens', () => queue.submit({ type: 'work' })),
      await finishedRequest('reads', () => queue.getStep('missing').catch(() => undefined)),
      await finishedRequest('waits', () => queue.waitFor('missing').catch(() => undefined)),
    ];
    expect(created).toEqual([]);
    expect(new Set(seen)).toEqual(new Set(['construction']));
    expect(await kept(requests)).toEqual([]);
  });
});
