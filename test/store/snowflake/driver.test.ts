/** The driver's settings are global to a process: the queue silences a driver that it loads first, and leaves the application's alone. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test, vi } from 'vitest';
import { loadDriver } from '../../../src/store/snowflake/session/driver.js';
import { temporaryFolder } from '../../support/temp.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

const programOf = (name: string): string => fileURLToPath(new URL(`../../e2e/programs/${name}.ts`, import.meta.url));
const TYPES = fileURLToPath(new URL('../../../tsconfig.json', import.meta.url));
/** The AWS SDK inside the driver warns of a Node that it will give up; that is no log of the driver's. */
const NO_NEWS = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };

/** Runs a program in a folder of its own; answers how it ended, and which files it left there. */
async function run(name: string, given: object) {
  const folder = temporaryFolder();
  const child = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), programOf(name), JSON.stringify(given)],
    {
      cwd: folder,
      env: {
        ...process.env,
        ...{ HOME: folder, USERPROFILE: folder, DEBUG: '', TSX_TSCONFIG_PATH: TYPES },
        ...NO_NEWS,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 45_000,
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map(({ name: file }) => file);
  return { code: code as number, out, errors, files };
}

describeOnTestBed('the driver', () => {
  const { bed, options, place } = useStores();

  test('writes no file and prints nothing if the queue is the first to load it', { timeout: 60_000 }, async () => {
    const ended = await run('quiet', { connection: options(), ...place() });
    expect(ended).toEqual({ code: 0, out: '', errors: '', files: [] });
  });

  test(
    'changes nothing for a host that uses it itself, before, beside and after the queue',
    { timeout: 60_000 },
    async () => {
      bed().proxy.faults.inject({ kind: 'status', status: 503 }, { text: /host_beside/i });
      const ended = await run('driver-host', { connection: options(), ...place() });
      expect(ended).toMatchObject({ code: 0, errors: '', files: ['host.log'] });
      expect(JSON.parse(ended.out)).toEqual({
        changed: [],
        // Big integers, as the host configured; in JSON they are strings.
        beside: [{ HOST_BESIDE: '1' }],
        hostStillLogs: true,
        mode: 'ocsp mode: INSECURE',
        keepsAlive: false,
        old: [{ HOST_LAST: '1' }],
      });
      expect(bed().proxy.faults.happened.get('status')).toBe(1);
    },
  );

  test('logs as the application configures it, after the queue has loaded it', { timeout: 60_000 }, async () => {
    const ended = await run('driver-host-later', { connection: options(), ...place() });
    expect(ended).toMatchObject({ code: 0, errors: '', files: ['host.log'] });
    expect(JSON.parse(ended.out)).toEqual({ logsTheQueue: true, logsTheHost: true });
  });

  test("keeps the OCSP server that the application has set, and sets a private link's own only if there is none", async () => {
    const { createConnection } = await loadDriver();
    const name = 'SF_OCSP_RESPONSE_CACHE_SERVER_URL';
    const link = 'acme.privatelink.snowflakecomputing.com';
    const connection = createConnection({ ...options(), accessUrl: `https://${link}` });
    vi.stubEnv(name, 'http://ocsp.of.the.host/cache.json');
    connection.setupOcspPrivateLink(link);
    expect(process.env[name]).toBe('http://ocsp.of.the.host/cache.json');
    vi.stubEnv(name, undefined);
    connection.setupOcspPrivateLink(link);
    expect(process.env[name]).toBe(`http://ocsp.${link}/ocsp_response_cache.json`);
  });
});
