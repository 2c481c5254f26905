/** A lost reply to `submit` makes no second step, whether the driver, the session or the client sends again. */
import { FleetQ } from 'fleet-q';
import { expect, onTestFinished, test } from 'vitest';
import { snowflake } from '../../../src/snowflake.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import type { Aim, Fault } from '../../support/warehouse/faults.js';
import { acceleratedRuntime, hurryDriver, refuseResends } from './support/accelerated-runtime.js';
import { useStores } from './support/stores.js';

const SPEED = 20;
/** In the store's time; what its client waits for an answer is 15 s more. */
const PATIENT_MS = 185_000;
/** The time-out if no reply ever comes: three seconds of wall time. */
const IMPATIENT_MS = 45_000;
const SUBMISSION: Aim = { kinds: ['insert'], text: /STEP_TRACKER/ };

/** What befalls the first requests that carry the submission, and how many of its statements run in the end. */
const LOSSES: Readonly<Record<string, { readonly faults: readonly Fault[]; readonly runs: number }>> = {
  'the driver sends the same request': { faults: [{ kind: 'lost' }], runs: 1 },
  'the session sends the request again, because its connection has ended': {
    faults: [{ kind: 'lost' }, { kind: 'gone' }],
    runs: 2,
  },
  'the session sends it again, because its token is not known': {
    faults: [{ kind: 'lost' }, { kind: 'invalid' }],
    runs: 2,
  },
  'the client sends it again, after the deadline': {
    faults: [{ kind: 'late', afterMs: 0, unanswered: true }],
    runs: 2,
  },
  'the client sends it again, and the first request arrives later': {
    faults: [{ kind: 'late', afterMs: 3_500, unanswered: true }],
    runs: 2,
  },
};

describeOnTestBed('a lost reply to submit makes no second step:', { timeout: 60_000 }, () => {
  const { bed, options, place, byHand } = useStores();

  for (const [what, { faults, runs }] of Object.entries(LOSSES)) {
    for (const named of [{ stepId: 'one' }, { idempotencyKey: 'one' }]) {
      test(`${what} (${Object.keys(named)[0]})`, async () => {
        onTestFinished(hurryDriver(SPEED));
        const { proxy, meter } = bed();
        const isAnswered = faults.every((fault) => fault.kind !== 'late');
        const statementTimeoutMs = isAnswered ? PATIENT_MS : IMPATIENT_MS;
        const store = snowflake({ connection: options(), ...place(), statementTimeoutMs });
        const queue = new FleetQ<{ work: { args: number } }>({ store, runtime: acceleratedRuntime(SPEED) });
        await queue.stats(); // it is open
        meter.reset();
        for (const fault of faults) proxy.faults.inject(fault, SUBMISSION);
        const stepId = await queue.submit({ type: 'work', args: 7, ...named });
        const again = await queue.submitWithReceipt({ type: 'work', args: 7, ...named });
        expect(again).toMatchObject({ stepId, receipt: 'duplicate' });
        const sent = () =>
          meter.readings.filter(({ kind, text }) => kind === 'insert' && text.includes('STEP_TRACKER'));
        await expect.poll(() => sent().length).toBe(runs + 1);
        const driver = await byHand();
        expect(await driver.run('SELECT step_id AS id, status AS s FROM STEP_TRACKER')).toEqual([
          { ID: stepId, S: 'pending' },
        ]);
        await queue.stop();
        await refuseResends(proxy);
      });
    }
  }
});
