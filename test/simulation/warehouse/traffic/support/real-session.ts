/** A session of the real store, over the modelled warehouse. */
import { createLog } from '../../../../../src/log.js';
import type { VirtualRuntime } from '../../../../../src/runtime/virtual-runtime.js';
import { Secrets } from '../../../../../src/store/snowflake/session/secrets.js';
import { Session } from '../../../../../src/store/snowflake/session/session.js';
import { fakeDriver } from '../fake-connection.js';
import { TestLink, type TrafficBed } from './traffic-bed.js';

export interface RealSession {
  readonly session: Session;
  readonly link: TestLink;
  readonly machine: VirtualRuntime;
}

/** @param deadlineMs how long an answer is awaited */
export function realSession(bed: TrafficBed, deadlineMs = 60_000, timeoutSeconds = 40): RealSession {
  const [machine, link] = [bed.root.fork(), new TestLink('real')];
  const driver = fakeDriver(bed.warehouse, machine, link);
  const session = new Session({
    runtime: machine,
    log: createLog('test'),
    driver: () => Promise.resolve(driver),
    source: { account: 'modelled' },
    secrets: new Secrets(),
    settings: `ALTER SESSION SET LOCK_TIMEOUT = ${timeoutSeconds}, STATEMENT_TIMEOUT_IN_SECONDS = ${timeoutSeconds}`,
    deadlineMs,
    longestPauseMs: 30_000,
  });
  return { session, link, machine };
}
