/** A fleet of three pods on Snowflake: the real driver, the emulator, and the warehouse proxy between them. */
import { snowflake } from 'fleet-q/snowflake';
import { beforeEach, onTestFinished } from 'vitest';
import { hurryDriver } from '../store/snowflake/support/accelerated-runtime.js';
import { describeOnTestBed } from '../support/warehouse/suite.js';
import { startTestBed } from '../support/warehouse/test-bed.js';
import { useTestBed } from '../support/warehouse/use-test-bed.js';
import { describeFleet, type Ground } from './fleet/index.js';

// The driver sends requests of a cut connection again, after pauses of up to 16 s, until they are refused permanently. With
// shorter pauses that ends soon after the test, and nothing is left running.
hurryDriver(100);

const HEARTBEAT_MS = 400;
/** How many times faster than by default the heartbeats are, and everything that depends on them. */
const TIMES = 30_000 / HEARTBEAT_MS;
/** Up to 5 s late, and now and then the 10 s that the store allows for. */
const LATE_READS = { mostMs: 5_000 / TIMES, tailMs: 10_000 / TIMES, tailRate: 0.01 };
const STALE_READ_MS = Math.ceil(10_000 / TIMES);

describeOnTestBed('on the test bed, with late reads', { timeout: 60_000 }, () => {
  const { bed } = useTestBed({ lateReads: LATE_READS });
  let place: { readonly database: string; readonly schema: string };
  beforeEach(async () => {
    place = await bed().freshSchema();
  });

  const ground: Ground = {
    timing: {
      ...{ heartbeatIntervalMs: HEARTBEAT_MS, deadAfterMs: 4_000, recoveryIntervalMs: 400 },
      ...{ claimIntervalMs: 50, idleIntervalMs: 200 },
    },
    store: () => snowflake({ connection: bed().connection, ...place, staleReadMs: STALE_READ_MS }),
    async line() {
      // A second proxy to the same emulator.
      const way = await startTestBed({ lateReads: LATE_READS });
      onTestFinished(() => way.stop());
      return {
        store: snowflake({
          ...{ connection: way.connection, ...place },
          ...{ statementTimeoutMs: 1_000, staleReadMs: STALE_READ_MS },
        }),
        cut: () => void (way.proxy.reachable = false),
        mend: () => void (way.proxy.reachable = true),
      };
    },
  };

  describeFleet('a fleet on Snowflake', () => ground);
});
