/** The driver keeps to itself: what it has to say of its own stands in no file and on no console. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../../support/temp.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

const PROGRAM = fileURLToPath(new URL('../../e2e/programs/quiet.ts', import.meta.url));
const TYPES = fileURLToPath(new URL('../../../tsconfig.json', import.meta.url));
/** The AWS SDK inside the driver warns of a Node that it will give up; that is no log of the driver's. */
const NO_NEWS = { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };

describeOnTestBed('the driver, in a process that sets nothing of it', () => {
  const { options, place } = useStores();

  test(
    'writes no file and prints nothing, while a store is refused, opens, works and closes',
    { timeout: 60_000 },
    async () => {
      const folder = temporaryFolder();
      const given = JSON.stringify({ connection: options(), ...place() });
      const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), PROGRAM, given], {
        cwd: folder,
        env: {
          ...process.env,
          ...{ HOME: folder, USERPROFILE: folder, DEBUG: '', TSX_TSCONFIG_PATH: TYPES },
          ...NO_NEWS,
        },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: 45_000,
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      const [out, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
      const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
        (entry) => !entry.isDirectory(),
      );
      expect({ code: code as number, out, errors, files }).toEqual({ code: 0, out: '', errors: '', files: [] });
    },
  );
});
