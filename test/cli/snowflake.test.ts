/** The verbs that read, on the Snowflake test bed, in a real shell: the built command, the real driver and the emulator. */
import { snowflake } from 'fleet-q/snowflake';
import { describe, expect, test } from 'vitest';
import { BED_MS, describeOnTestBed } from '../support/warehouse/suite.js';
import { useTestBed } from '../support/warehouse/use-test-bed.js';
import { startPod, type Ground } from './support/ground.js';
import { describeReading } from './support/reading.js';
import { complaintOf, linesOf, shell } from './support/shell.js';

describeOnTestBed('on Snowflake', { timeout: BED_MS }, () => {
  const { bed } = useTestBed();

  const variables = (place: { readonly database: string; readonly schema: string }): Ground['env'] => {
    const { account, username, password, accessUrl, warehouse, role } = bed().connection;
    return {
      ...{ FLEET_Q_SNOWFLAKE_ACCOUNT: account, FLEET_Q_SNOWFLAKE_USER: username },
      ...{ FLEET_Q_SNOWFLAKE_PASSWORD: password, FLEET_Q_SNOWFLAKE_ACCESS_URL: accessUrl },
      ...{ FLEET_Q_SNOWFLAKE_WAREHOUSE: warehouse, FLEET_Q_SNOWFLAKE_ROLE: role },
      ...{ FLEET_Q_SNOWFLAKE_DATABASE: place.database, FLEET_Q_SNOWFLAKE_SCHEMA: place.schema },
      ...{ SNOWFLAKE_DISABLE_PLATFORM_DETECTION: 'true' },
    };
  };

  describe('a fleet', () => {
    describeReading(async () => {
      const place = await bed().freshSchema();
      const store = snowflake({ connection: bed().connection, ...place, staleReadMs: 100 });
      return { queue: await startPod(store), env: variables(place) };
    });
  });

  test('a fleet that sleeps is shown asleep, not silent, and doctor finds nothing wrong with it', async () => {
    const place = await bed().freshSchema();
    const sleep = { quietForMs: 1_500, pollIntervalMs: 1_000 };
    const queue = await startPod(snowflake({ connection: bed().connection, ...place, staleReadMs: 100, sleep }));
    await queue.submit({ type: 'ok', args: { n: 1 }, delayMs: 86_400_000 } as never);
    await expect.poll(() => queue.health().asleep, { timeout: 60_000 }).toBe(true);
    const run = (script: string) => shell(script, variables(place));
    const [pods, stats, doctor] = await Promise.all([
      run('fleet-q pods'),
      run('fleet-q stats'),
      run('fleet-q doctor --json'),
    ]);
    expect(linesOf(pods.stdout)[1]).toMatch(/^worker-1 +asleep +no /);
    expect(stats.stdout).toMatch(/^Pods: +0 active, 1 asleep, 0 of 0 slots in use$/m);
    expect(stats.stdout).not.toContain('No pod handles');
    const { findings } = JSON.parse(doctor.stdout) as { findings: { check: string; level: string }[] };
    const levels = findings.filter(({ check }) => ['pods', 'unhandled-types', 'leader'].includes(check));
    expect(levels.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(levels.map(({ check }) => check)).toContain('pods');
    expect(queue.health().asleep).toBe(true);
  });

  test('a verb that reads creates no tables in an empty schema', async () => {
    const place = await bed().freshSchema();
    const ran = await shell('fleet-q stats --store snowflake', variables(place));
    expect(ran.code).toBe(4);
    expect(complaintOf(ran)).toMatch(/snowflakeDdl has not been run.*\(STORE_ACCESS_DENIED\)$/);
  });

  test('a wrong password is refused with exit code 4, and is printed nowhere', async () => {
    const env = { ...variables(await bed().freshSchema()), FLEET_Q_SNOWFLAKE_PASSWORD: 'a-wrong-secret' };
    const ran = await shell('fleet-q list', env);
    expect(complaintOf(ran)).toContain('(STORE_LOGIN_REFUSED)');
    expect([ran.code, ran.stdout]).toEqual([4, '']);
    expect(ran.stderr).not.toContain('a-wrong-secret');
  });
});
