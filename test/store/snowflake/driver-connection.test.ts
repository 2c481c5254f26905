/** What a connection of the driver does with the statement that it sent last. No test bed is needed. */
import type { Connection, RowStatement, StatementOption } from 'snowflake-sdk';
import { expect, test, vi } from 'vitest';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { DriverConnection } from '../../../src/store/snowflake/session/driver-connection.js';

/** A connection whose statement is answered by hand. */
function connected() {
  const cancel = vi.fn((done: () => void) => done());
  const statement = { cancel } as unknown as RowStatement;
  let sent: StatementOption | undefined;
  const raw = {
    execute: (options: StatementOption) => ((sent = options), statement),
    destroy: (done: () => void) => done(),
  };
  const driver = { createConnection: () => raw as unknown as Connection };
  const connection = new DriverConnection(new VirtualRuntime(), driver, undefined);
  const run = () =>
    connection.execute('SELECT 1', undefined, {}, { signal: new AbortController().signal, longestPauseMs: 1_000 });
  const answer = (error: Error | undefined) =>
    sent?.complete?.(error as never, statement, error ? undefined : [{ N: 1 }]);
  return { connection, run, answer, cancel };
}

test('cancels a statement that has not been answered', async () => {
  const { connection, run, cancel } = connected();
  void run();
  await connection.leave({ cancel: true });
  expect(cancel).toHaveBeenCalledTimes(1);
});

test('keeps no handle of a statement that has succeeded, so it does not cancel it', async () => {
  const { connection, run, answer, cancel } = connected();
  const running = run();
  answer(undefined);
  expect(await running).toEqual([{ N: 1 }]);
  await connection.leave({ cancel: true });
  expect(cancel).not.toHaveBeenCalled();
});

test('cancels a statement whose request failed: it may still run on the server', async () => {
  const { connection, run, answer, cancel } = connected();
  const running = run();
  answer(new Error('syntax error'));
  await expect(running).rejects.toThrow('syntax error');
  await connection.leave({ cancel: true });
  expect(cancel).toHaveBeenCalledTimes(1);
});
