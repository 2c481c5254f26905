/** Applications that installed the package without one of its two drivers, or without both. */
import { execFile } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/store/contract.js';
import { claimRequest, newSteps } from '../conformance/harness.js';
import { useStores } from '../store/snowflake/support/stores.js';
import { newStore } from '../store/sqlite/support/files.js';
import { addDriverWithoutNativeCode, linkedApplication } from '../support/linked-application.js';
import { describeOnTestBed } from '../support/warehouse/suite.js';

const run = promisify(execFile);
const { resolve } = createRequire(import.meta.url);
const project = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a program in an application's folder. It prints one line of JSON, and nothing to standard error. */
async function output(app: string, name: string, program: string, argument: unknown = null): Promise<unknown> {
  writeFileSync(path.join(app, name), program);
  const { stdout, stderr } = await run(process.execPath, [name, JSON.stringify(argument)], {
    cwd: app,
    timeout: 45_000,
    env: { ...process.env, HOME: app, DEBUG: '', AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

const HOW_IT_FAILS = `
  const failure = async (store) => {
    const queue = new FleetQ({ store }).register('work', () => 'done');
    const error = await queue.start().then(() => ({ message: 'started' }), (error) => error);
    await queue.stop();
    const { code, transient, message, cause } = error;
    return { code, transient, message, cause: cause?.constructor.name };
  };
  const place = { database: 'OPS', schema: 'FLEET_Q' };`;

const BOTH = `
  ${HOW_IT_FAILS}
  const connection = { account: 'nowhere', username: 'nobody', password: 'nothing' };
  const report = async () => ({
    sqlite: await failure(sqlite({ path: 'queue.db' })),
    default: await failure(undefined),
    snowflake: await failure(snowflake({ connection, ...place })),
    ddl: snowflakeDdl({ ...place, role: 'FLEET_Q' }).includes('STEP_TRACKER'),
    ran: await runStep({ type: 'work', run: () => 'ran' }, undefined),
  });
  report().then((reported) => console.log(JSON.stringify(reported)));`;

const without = (driver: string, remedy: RegExp) => ({
  code: 'STORE_DRIVER_MISSING',
  transient: false,
  message: expect.stringMatching(
    new RegExp(`^${driver} is not installed; it is an optional dependency of fleet-q. ${remedy.source}$`),
  ) as unknown,
  cause: 'Error',
});
const NO_SQLITE = without('better-sqlite3', /Run: npm install better-sqlite3@\d+/);
const NO_SNOWFLAKE = without('snowflake-sdk', /Run: npm install snowflake-sdk/);

describe('an application without drivers', { timeout: 60_000 }, () => {
  const NEITHER = { sqlite: NO_SQLITE, default: NO_SQLITE, snowflake: NO_SNOWFLAKE, ddl: true, ran: 'ran' };

  test('imports every entry point as ES modules; a store that opens names the driver to install', async () => {
    const app = linkedApplication({ drivers: [] });
    const program = `
      import { FleetQ } from 'fleet-q';
      import { sqlite } from 'fleet-q/sqlite';
      import { snowflake, snowflakeDdl } from 'fleet-q/snowflake';
      import { runStep } from 'fleet-q/testing';
      ${BOTH}`;
    expect(await output(app, 'app.mjs', program)).toEqual(NEITHER);
  });

  test('requires every entry point from CommonJS; a store that opens names the driver to install', async () => {
    const app = linkedApplication({ drivers: [] });
    const program = `
      const { FleetQ } = require('fleet-q');
      const { sqlite } = require('fleet-q/sqlite');
      const { snowflake, snowflakeDdl } = require('fleet-q/snowflake');
      const { runStep } = require('fleet-q/testing');
      ${BOTH}`;
    expect(await output(app, 'app.cjs', program)).toEqual(NEITHER);
  });

  test('compiles against the types of every entry point, libraries checked too', async () => {
    const app = linkedApplication({ drivers: [] });
    writeFileSync(
      path.join(app, 'app.ts'),
      `
      import { FleetQ } from 'fleet-q';
      import { sqlite } from 'fleet-q/sqlite';
      import { snowflake, snowflakeDdl, type SnowflakeConnection } from 'fleet-q/snowflake';
      import * as testing from 'fleet-q/testing';
      export const connection: SnowflakeConnection = { account: 'a', username: 'u', password: 'p' };
      export const stores = [sqlite(), snowflake({ connection, database: 'D', schema: 'S' })];
      export const queues = stores.map((store) => new FleetQ({ store }).register('work', () => 1));
      export const rest = [snowflakeDdl({ database: 'D', schema: 'S', role: 'R' }), testing];
      // @ts-expect-error the options are typed all the same
      snowflake({ connection, database: 'D' });
    `,
    );
    const compilerOptions = {
      ...{ strict: true, module: 'nodenext', target: 'es2022', noEmit: true, skipLibCheck: false },
      ...{ types: ['node'], typeRoots: [path.join(project, 'node_modules/@types')] },
    };
    writeFileSync(path.join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['app.ts'] }));
    const tsc = run(process.execPath, [resolve('typescript/bin/tsc'), '-p', app]);
    const { stdout } = await tsc.catch((error: unknown) => error as { stdout: string });
    expect(stdout).toBe('');
  });
});

/** Leaves a step behind that a pod claimed before it left the fleet. */
async function orphan(store: Store): Promise<string> {
  const pod = { podId: 'gone', incarnation: 'gone-1' };
  await store.register({ ...pod, heartbeatMs: 1_000, deadAfterMs: 3_600_000, meta: {} });
  const [step] = newSteps(1);
  await store.submit([step!]);
  const { claims } = await store.exchange({ pod, settlements: [], claim: claimRequest() });
  expect(claims).toHaveLength(1);
  await store.leave(pod);
  return step!.stepId;
}

/** A pod that handles no type. It leads, and stops once it has recovered a step; prints which. */
const RECOVERS = `
  const errors = [];
  queue.on('store:error', ({ operation, error }) => errors.push({ operation, code: error.code }));
  await queue.start();
  const requeued = async () => (await queue.recoveryHistory()).flatMap((cycle) => cycle.requeued);
  while ((await requeued()).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
  const recovered = await requeued();
  await queue.stop();
  console.log(JSON.stringify({ recovered, errors }));`;
const QUICK = '{ heartbeatIntervalMs: 200, recoveryIntervalMs: 200, idleIntervalMs: 200 }';

describe('an application without snowflake-sdk', { timeout: 60_000 }, () => {
  test('recovers on SQLite, with the journal in a file', async () => {
    const app = linkedApplication({ drivers: ['better-sqlite3'] });
    const stepId = await orphan(await newStore({ path: path.join(app, 'queue.db') }));
    const program = `
      import { FleetQ } from 'fleet-q';
      import { sqlite } from 'fleet-q/sqlite';
      const queue = new FleetQ({ store: sqlite({ path: 'queue.db' }), journalPath: 'journal.db', ...${QUICK} });
      ${RECOVERS}`;
    expect(await output(app, 'app.mjs', program)).toEqual({ recovered: [stepId], errors: [] });
    expect(readdirSync(app)).toContain('journal.db');
  });
});

describe('an application whose better-sqlite3 has no native code', { timeout: 60_000 }, () => {
  test('gets an error that says why the native code does not load', async () => {
    const app = linkedApplication({ drivers: [] });
    addDriverWithoutNativeCode(app);
    const program = `
      import { FleetQ } from 'fleet-q';
      import { sqlite } from 'fleet-q/sqlite';
      ${HOW_IT_FAILS}
      console.log(JSON.stringify(await failure(sqlite({ path: 'queue.db' }))));`;
    expect(await output(app, 'app.mjs', program)).toEqual({
      code: 'STORE_DRIVER_MISSING',
      transient: false,
      message: expect.stringMatching(
        /^the native code of better-sqlite3 does not load in Node\.js .+\. \w+/,
      ) as unknown,
      cause: 'Error',
    });
  });
});

describeOnTestBed('an application without better-sqlite3', { timeout: 90_000 }, () => {
  const { options, place, open } = useStores();

  const PROGRAM = `
    import { FleetQ } from 'fleet-q';
    import { snowflake } from 'fleet-q/snowflake';
    const { store, ...journal } = JSON.parse(process.argv[2]);
    const queue = new FleetQ({ store: snowflake({ ...store, staleReadMs: 0 }), ...journal, ...${QUICK} });
    ${RECOVERS}`;

  test('leads and recovers on Snowflake, with the journal in memory', async () => {
    const app = linkedApplication({ drivers: ['snowflake-sdk'] });
    const stepId = await orphan(await open());
    const printed = await output(app, 'app.mjs', PROGRAM, { store: { connection: options(), ...place() } });
    expect(printed).toEqual({ recovered: [stepId], errors: [] });
  });

  test('recovers with a journal path too: it reports the missing driver once, and keeps the journal in memory', async () => {
    const app = linkedApplication({ drivers: ['snowflake-sdk'] });
    const stepId = await orphan(await open());
    const given = { store: { connection: options(), ...place() }, journalPath: 'journal.db' };
    expect(await output(app, 'app.mjs', PROGRAM, given)).toEqual({
      recovered: [stepId],
      errors: [{ operation: 'journal', code: 'STORE_DRIVER_MISSING' }],
    });
  });
});
