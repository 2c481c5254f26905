/** A connection that the driver itself reports as down. The test plays the driver. */
import { expect, test } from 'vitest';
import { createLog } from '../../../src/log.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import type { Driver } from '../../../src/store/snowflake/session/driver.js';
import { Secrets } from '../../../src/store/snowflake/session/secrets.js';
import { Session } from '../../../src/store/snowflake/session/session.js';

/** A session whose first connection answers each statement with an error that does not mention the session. */
function failing({ isUp }: { readonly isUp: boolean }) {
  const sent: string[] = [];
  let connections = 0;
  const driver: Driver = {
    createConnection() {
      const number = ++connections;
      return {
        connect: (done: () => void) => done(),
        isUp: () => number > 1 || isUp,
        execute({ sqlText, complete }: { sqlText: string; complete: (...answer: unknown[]) => void }) {
          const isFailing = sqlText !== 'settings' && number === 1;
          if (sqlText !== 'settings') sent.push(`${sqlText} on ${number}`);
          complete(isFailing ? Object.assign(new Error('refused'), { code: '999999' }) : undefined, undefined, []);
        },
        destroy: (done: () => void) => done(),
      } as never;
    },
  };
  const session = new Session({
    ...{ runtime: new VirtualRuntime(), log: createLog('store'), driver: () => Promise.resolve(driver), source: {} },
    ...{ secrets: new Secrets(), settings: 'settings', deadlineMs: 60_000, longestPauseMs: 1_000 },
  });
  return { session, sent };
}

test('replaces a connection that is down for the next statement, whatever the error says', async () => {
  const { session, sent } = failing({ isUp: false });
  await expect(session.run('first')).rejects.toMatchObject({ code: '999999' });
  expect(await session.run('second')).toEqual([]);
  expect(sent).toEqual(['first on 1', 'second on 2']);
  expect(session.logins).toBe(2);
});

test('keeps a connection that is up after an error of a statement', async () => {
  const { session, sent } = failing({ isUp: true });
  for (const statement of ['first', 'second']) {
    await expect(session.run(statement)).rejects.toMatchObject({ code: '999999' });
  }
  expect(sent).toEqual(['first on 1', 'second on 1']);
  expect(session.logins).toBe(1);
});
