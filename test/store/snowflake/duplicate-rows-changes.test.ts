/** Cancel and retry of a step that has two rows, read late: the receipt is true for all its rows. */
import { expect, test } from 'vitest';
import { fresh, settlement } from '../../conformance/harness.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { lateOn } from './support/late-reads.js';
import { claimed, joined, useStores } from './support/stores.js';

const MINUTE = 60_000;
const STEP = 'double';

describeOnTestBed('a change by hand of a step with two rows', { timeout: 60_000 }, () => {
  const { bed, open, byHand, pass } = useStores();

  const put = async (row: string, status: string, version: number): Promise<void> => {
    const columns = `SELECT '${STEP}', '${row}', 'work', '${status}', ${version}`;
    const driver = await byHand();
    await driver.run(`INSERT INTO STEP_TRACKER (step_id, row_id, step_type, status, version) ${columns}`);
  };
  const rows = async (): Promise<string[]> => {
    const all = await (
      await byHand()
    ).run('SELECT row_id AS r, status AS s, version AS v FROM STEP_TRACKER ORDER BY 1');
    return all.map(({ R, S, V }) => `${R} ${S} v${V}`);
  };
  const shown = async (store: Awaited<ReturnType<typeof open>>) => (await store.find([STEP]))[0]?.status;

  /** Two pending rows, of which the pod then claims the first; a client reads as if it had not. */
  const claimedUnseen = async () => {
    const [store, client] = [await open(), await open()];
    const pod = await joined(store);
    await put('a', 'pending', 0);
    await put('b', 'pending', 0);
    const late = lateOn(bed());
    const before = late.now();
    pass(MINUTE);
    const [claim] = await claimed(store, pod);
    late.asOf(before);
    return { store, client, pod, claim: claim!, late };
  };

  test('a cancel that sees no claim cancels the claimed row too', async () => {
    const { store, client, pod, claim, late } = await claimedUnseen();
    expect(await client.cancel(fresh('cancel'), [{ stepId: STEP, version: 0 }])).toEqual(['cancelled']);
    expect((await store.exchange({ pod, settlements: [settlement(claim)] })).receipts).toEqual(['cancelled']);
    late.off();
    expect(await rows()).toEqual(['a cancelled v2', 'b cancelled v1']);
  });

  test('a cancel answers alreadyTerminal if the other row has completed, and readers show that', async () => {
    const { store, client, pod, claim, late } = await claimedUnseen();
    await store.exchange({ pod, settlements: [settlement(claim)] });
    const token = fresh('cancel');
    for (let i = 0; i < 2; i++)
      expect(await client.cancel(token, [{ stepId: STEP, version: 0 }])).toEqual(['alreadyTerminal']);
    late.off();
    expect(await rows()).toEqual(['a completed v2', 'b cancelled v1']);
    expect(await shown(client)).toBe('completed');
  });

  test('of two cancels that each ended one row, one answers cancelled', async () => {
    const client = await open();
    await put('a', 'pending', 4);
    await put('b', 'pending', 0);
    const at = (version: number) => [{ stepId: STEP, version }];
    const session = { token: fresh('cancel'), other: fresh('cancel') };
    await (
      await byHand()
    ).run(
      `UPDATE STEP_TRACKER SET status = 'cancelled', version = 5, settled_by = '${session.other}' WHERE row_id = 'a'`,
    );
    expect(await client.cancel(session.token, at(0))).toEqual(['alreadyTerminal']);
    expect(await client.cancel(session.other, at(4))).toEqual(['cancelled']);
    expect(await rows()).toEqual(['a cancelled v5', 'b cancelled v1']);
  });

  test.each(['a', 'b'])('readers show the claim beside a row %s that a cancel has ended alone', async (row) => {
    const client = await open();
    await put(row, 'cancelled', 1);
    await put(row === 'a' ? 'b' : 'a', 'claimed', 1);
    expect(await shown(client)).toBe('claimed');
    expect(await client.cancelled([STEP])).toEqual([]);
  });

  test.each([
    ['the first', 2, 1],
    ['the second', 1, 2],
  ])('a retry of %s row starts both, so that the step runs', async (_, a, b) => {
    const store = await open();
    const pod = await joined(store);
    await put('a', 'cancelled', a);
    await put('b', 'cancelled', b);
    for (let i = 0; i < 2; i++) expect(await store.retry([{ stepId: STEP, version: 2 }])).toEqual(['retried']);
    expect(await rows()).toEqual([`a pending v${a + 1}`, `b pending v${b + 1}`]);
    expect(await claimed(store, pod)).toHaveLength(1);
  });

  test('a retry that ended between its two writes is finished by its repeat', async () => {
    const store = await open();
    await put('a', 'failed', 2);
    await put('b', 'pending', 2);
    expect(await store.retry([{ stepId: STEP, version: 2 }])).toEqual(['retried']);
    expect(await rows()).toEqual(['a pending v3', 'b pending v2']);
  });

  test('a retry starts no row of a step that has completed', async () => {
    const store = await open();
    await put('a', 'completed', 4);
    await put('b', 'cancelled', 1);
    const other = { stepId: fresh('step'), version: 0 };
    for (const steps of [[], [other]])
      expect((await store.retry([{ stepId: STEP, version: 1 }, ...steps]))[0]).toBe('notRetryable');
    expect(await rows()).toEqual(['a completed v4', 'b cancelled v1']);
  });

  test.each([2, 5])(
    'the archive shows the completed row of version 2 beside a cancelled one of version %i',
    async (version) => {
      const store = await open();
      await put('a', 'cancelled', version);
      await put('b', 'completed', 2);
      pass(20 * MINUTE);
      await store.prune({ keepMs: 60 * MINUTE });
      expect(await rows()).toEqual([]);
      expect(await shown(store)).toBe('completed');
      expect(await store.retry([{ stepId: STEP, version }])).toEqual(['notRetryable']);
    },
  );
});
