/** A fleet of three pods on Snowflake: the real driver, the emulator, and the warehouse proxy between them. */
import { snowflake } from 'fleet-q/snowflake';
import { beforeEach, onTestFinished } from 'vitest';
import { hurryDriver } from '../store/snowflake/support/haste.js';
import { describeOnTestBed } from '../support/warehouse/suite.js';
import { startTestBed } from '../support/warehouse/test-bed.js';
import { useTestBed } from '../support/warehouse/use-test-bed.js';
import { describeFleet, type Ground } from './fleet/index.js';

// What was given up while a line was cut the driver itself sends again, after pauses of up to 16 s, until it is refused
// for good. In haste that ends soon after the line has gone, and nothing is left running.
hurryDriver(100);

describeOnTestBed('on the test bed', { timeout: 60_000 }, () => {
  const { bed } = useTestBed();
  let place: { readonly database: string; readonly schema: string };
  beforeEach(async () => {
    place = await bed().freshSchema();
  });

  const ground: Ground = {
    timing: {
      ...{ heartbeatIntervalMs: 400, deadAfterMs: 4_000, recoveryIntervalMs: 400 },
      ...{ claimIntervalMs: 50, idleIntervalMs: 200 },
    },
    store: () => snowflake({ connection: bed().connection, ...place }),
    async line() {
      // Another way to the same emulator, past the others' proxy.
      const way = await startTestBed();
      onTestFinished(() => way.stop());
      return {
        store: snowflake({ connection: way.connection, ...place, statementTimeoutMs: 1_000 }),
        cut: () => void (way.proxy.reachable = false),
        mend: () => void (way.proxy.reachable = true),
      };
    },
  };

  describeFleet('a fleet on Snowflake', () => ground);
});
