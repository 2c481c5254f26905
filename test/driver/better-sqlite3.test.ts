/** Which better-sqlite3 a runtime gets, and what is said of one that it cannot use. */
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { notLoaded } from '../../src/driver/driver-missing.js';
import { loadSqlite, refuseUnsuitable, sqliteCode, type SqliteDriver } from '../../src/driver/better-sqlite3.js';

/** What tells the two apart: version 13 has a method more. */
const version12 = { prototype: {} } as SqliteDriver;
const version13 = { prototype: { explain: () => [] } } as unknown as SqliteDriver;

describe('better-sqlite3', () => {
  it.each([
    ['12 on Node.js 20', version12, { node: '20.19.0', napi: '9' }],
    ['12 on Node.js 22', version12, { node: '22.23.3', napi: '10' }],
    ['13 on Node.js 22.14', version13, { node: '22.14.0', napi: '10' }],
    ['13 on Node.js 24', version13, { node: '24.19.0', napi: '10' }],
    ['13 on Node.js 26', version13, { node: '26.12.1', napi: '11' }],
  ])('%s is used', (_name, driver, versions) => {
    expect(() => refuseUnsuitable(driver, versions)).not.toThrow();
  });

  it.each([
    ['13 on Node.js 20', version13, { node: '20.20.2', napi: '9' }, 'Node.js 20.20.2', 12],
    ['13 on Node.js 22.13', version13, { node: '22.13.1', napi: '9' }, 'Node.js 22.13.1', 12],
    ['12 on Node.js 24', version12, { node: '24.18.1', napi: '10' }, 'Node.js 24.18.1', 13],
    ['12 on Node.js 26', version12, { node: '26.12.1', napi: '10' }, 'Node.js 26.12.1', 13],
    ['12 in Electron', version12, { node: '24.21.0', napi: '10', electron: '41.0.0' }, 'Electron 41.0.0', 13],
  ])('%s is refused before its native code is loaded', (_name, driver, versions, runtime, wanted) => {
    const refused = () => refuseUnsuitable(driver, versions);
    expect(refused).toThrow(expect.objectContaining({ code: 'STORE_DRIVER_MISSING', transient: false }));
    expect(refused).toThrow(runtime);
    expect(refused).toThrow(`Run: npm install better-sqlite3@${wanted}`);
  });

  it('that is installed here is refused where it would end the process', async () => {
    const versions = { ...process.versions, node: '99.0.0', napi: '1' };
    vi.stubGlobal(
      'process',
      new Proxy(process, {
        get: (target, key) => (key === 'versions' ? versions : Reflect.get(target, key)) as unknown,
      }),
    );
    onTestFinished(() => void vi.unstubAllGlobals());
    await expect(loadSqlite()).rejects.toMatchObject({ code: 'STORE_DRIVER_MISSING' });
  });

  it('that is installed here is used', async () => {
    expect(await loadSqlite()).toBe(Database);
  });
});

describe('an import that fails', () => {
  it('says that the driver is not installed, and what to run', () => {
    const cause = Object.assign(new Error(`Cannot find package 'snowflake-sdk' imported from /app/index.js`), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
    const error = notLoaded('snowflake-sdk', cause, 'Run: npm install snowflake-sdk');
    expect(error).toMatchObject({ code: 'STORE_DRIVER_MISSING', transient: false, cause });
    expect(error.message).toBe(
      'snowflake-sdk is not installed; it is an optional dependency of fleet-q. Run: npm install snowflake-sdk',
    );
  });

  it('names a package of the driver that is missing', () => {
    const cause = Object.assign(new Error(`Cannot find module 'bindings'\nRequire stack:\n- /app/lib/database.js`), {
      code: 'MODULE_NOT_FOUND',
    });
    expect(notLoaded('better-sqlite3', cause, 'Reinstall it').message).toBe(
      "better-sqlite3 cannot be loaded (Cannot find module 'bindings'). Reinstall it",
    );
  });
});

describe('the code of an error', () => {
  it('is read from an error of any realm', () => {
    expect(sqliteCode({ code: 'SQLITE_BUSY' })).toBe('SQLITE_BUSY');
  });

  it.each([undefined, null, 'SQLITE_BUSY', { code: 5 }, { code: 'ENOENT' }])('is none of %j', (thrown) => {
    expect(sqliteCode(thrown)).toBe('');
  });
});
