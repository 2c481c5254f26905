/** Runs the checks of a diagnosis: each on its own, in time, and without secrets. */
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/errors.js';
import { VirtualRuntime } from '../../../src/runtime/virtual-runtime.js';
import { systemRuntime } from '../../../src/runtime/runtime.js';
import { checks, failure, ok, warning } from '../../../src/store/diagnosis/check.js';
import { ADVICE } from '../../../src/store/diagnosis/advice.js';
import { failureOf, runChecks } from '../../../src/store/diagnosis/run-checks.js';

const LIMITS = { runtime: systemRuntime, timeoutMs: 5_000, totalMs: 20_000 };
const why = 'It matters.';
const fine = { check: 'fine', why, look: () => ok('Fine.') };

describe('the checks of a diagnosis', () => {
  it('become findings in their order, with their names and reasons', async () => {
    const low = { check: 'low', why, look: (left: number) => warning(`${left} left.`, 'Add some.') };
    expect(await runChecks(checks([fine, low]), 3, LIMITS)).toEqual([
      { check: 'fine', level: 'ok', message: 'Fine.', why, advice: null },
      { check: 'low', level: 'warning', message: '3 left.', why, advice: 'Add some.' },
    ]);
  });

  it('leave out a check that does not apply', async () => {
    expect(await runChecks(checks([{ check: 'none', why, look: () => undefined }, fine]), 0, LIMITS)).toHaveLength(1);
  });

  it('become a warning if they throw or reject, and the others still run', async () => {
    const thrown = () => {
      throw new StoreError('STORE_BUSY', 'the file is locked', true);
    };
    const rejected = () => Promise.reject(new Error('no such table'));
    const findings = await runChecks(
      checks([{ check: 'thrown', why, look: thrown }, { check: 'rejected', why, look: rejected }, fine]),
      0,
      LIMITS,
    );
    expect(findings).toMatchObject([
      { check: 'thrown', level: 'warning', message: 'not checked: the file is locked', advice: ADVICE.STORE_BUSY },
      { check: 'rejected', level: 'warning', message: 'not checked: no such table' },
      { check: 'fine', level: 'ok' },
    ]);
  });

  it('are given up after their time, and those that are left after the time of all', async () => {
    const runtime = new VirtualRuntime();
    const hangs = (check: string) => ({ check, why, look: () => new Promise<undefined>(() => {}) });
    const running = runChecks(checks([hangs('one'), hangs('two'), hangs('three'), fine]), 0, {
      ...{ runtime, timeoutMs: 1_000, totalMs: 2_500 },
    });
    await runtime.advance(10_000);
    expect((await running).map(({ check, message }) => [check, message])).toEqual([
      ['one', 'not checked: the check one did not answer within 1000 ms'],
      ['two', 'not checked: the check two did not answer within 1000 ms'],
      ['three', 'not checked: the check three did not answer within 500 ms'],
      ['fine', 'not checked: the diagnosis took longer than 2500 ms'],
    ]);
  });

  it('lose their secrets, in the message and in the advice', async () => {
    const secret = { check: 'secret', why, look: () => failure('The password is pa55.', 'Change pa55.') };
    const redact = (text: string) => text.replaceAll('pa55', '***');
    expect(await runChecks(checks([secret]), 0, { ...LIMITS, redact })).toMatchObject([
      { message: 'The password is ***.', advice: 'Change ***.' },
    ]);
  });
});

it('says the code, the message and the advice of a store that cannot be used', () => {
  const error = new StoreError('STORE_NETWORK_FS', 'the file is on NFS', false);
  expect(failureOf(error)).toEqual({
    ...{ level: 'failure', message: 'STORE_NETWORK_FS: the file is on NFS', advice: ADVICE.STORE_NETWORK_FS },
  });
  expect(failureOf('odd').message).toContain('odd');
});
