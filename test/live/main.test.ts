/** `npm run test:live` as a process: what it says without an account, and how it ends. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { describeOnTestBed } from '../support/warehouse/suite.js';
import { useTestBed } from '../support/warehouse/use-test-bed.js';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

function start(args: readonly string[], variables: Readonly<Record<string, string>> = {}): ChildProcess {
  const own = Object.entries(process.env).filter(([name]) => !/^(FLEET_Q_|VITEST|NODE_OPTIONS$)/.test(name));
  const child = spawn(process.execPath, ['--import', 'tsx', 'test/live/main.ts', ...args], {
    ...{ cwd: PROJECT, env: { ...Object.fromEntries(own), ...variables } },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function run(args: readonly string[], variables?: Readonly<Record<string, string>>) {
  const child = start(args, variables);
  const [out, said, [code]] = await Promise.all([text(child.stdout!), text(child.stderr!), once(child, 'exit')]);
  return { out, said, code: code as number };
}

const NOBODY = { FLEET_Q_LIVE_ACCOUNT: 'a', FLEET_Q_LIVE_USER: 'b', FLEET_Q_LIVE_PASSWORD: 'secret-word' };

test('says what to set if no account is named, and exits with 2', { timeout: 60_000 }, async () => {
  const { out, said, code } = await run([]);
  expect({ out, code }).toEqual({ out: '', code: 2 });
  expect(said).toContain('No account is named, so nothing was checked. Set these variables:');
  expect(said).toContain('FLEET_Q_LIVE_ACCOUNT');
});

test.each([
  [['--only', 'lost-update'], {}, '--only: expected a measurement, got "lost-update"; did you mean lost-updates?'],
  [['--conformance', 'fences'], {}, '--conformance: expected a group, got "fences"; did you mean fence?'],
  [['--jason'], {}, "Unknown option '--jason'"],
  [[], NOBODY, 'FLEET_Q_LIVE_DATABASE: is missing'],
])('refuses %o with %o, and exits with 2', { timeout: 60_000 }, async (args, variables, problem) => {
  const { out, said, code } = await run(args, variables);
  expect({ out, code }).toEqual({ out: '', code: 2 });
  expect(said).toContain(problem);
  expect(said).not.toContain('secret');
});

describeOnTestBed('on the test bed', { timeout: 120_000 }, () => {
  const { bed, connect, options } = useTestBed();
  const variables = () => {
    const { account, username, password, warehouse, accessUrl } = bed().connection;
    return {
      ...{ FLEET_Q_LIVE_ACCOUNT: account, FLEET_Q_LIVE_USER: username, FLEET_Q_LIVE_PASSWORD: password },
      ...{ FLEET_Q_LIVE_WAREHOUSE: warehouse, FLEET_Q_LIVE_ACCESS_URL: accessUrl },
      FLEET_Q_LIVE_DATABASE: options().database!,
    };
  };
  const schemas = async (): Promise<string[]> => {
    const rows = await (await connect()).run(`SHOW SCHEMAS IN DATABASE ${options().database!}`);
    return rows.map((row) => String(row['name'])).filter((name) => name.startsWith('FLEET_Q_LIVE_'));
  };

  test('prints the report as JSON, and exits with 0', async () => {
    const args = ['--json', '--only', 'not-null-check', '--conformance', 'none'];
    const { out, code } = await run(args, variables());
    expect(code).toBe(0);
    const { results, schemaDropped } = JSON.parse(out) as { results: object[]; schemaDropped: boolean };
    expect({ results, schemaDropped }).toMatchObject({ results: [{ verdict: 'as assumed' }], schemaDropped: true });
    expect(await schemas()).toEqual([]);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('drops the schema after %s, and exits with 130', async (signal) => {
    const child = start(['--conformance', 'none'], variables());
    const report = text(child.stdout!);
    const exit = once(child, 'exit');
    for await (const line of createInterface({ input: child.stderr! })) {
      if (line.startsWith('lost-updates: ')) {
        expect(await schemas()).toHaveLength(1);
        child.kill(signal);
      }
    }
    expect(await exit).toEqual([130, null]);
    expect(await report).toContain('**Interrupted. What was measured until then follows.**');
    expect(await schemas()).toEqual([]);
  });
});
