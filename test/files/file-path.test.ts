/** Paths that options and variables give. */
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { FleetQ, type AnyFleetQ } from 'fleet-q';
import { sqlite } from 'fleet-q/sqlite';
import { absolutePath, pathCheck } from '../../src/files/file-path.js';
import { newQueue, stopped } from '../support/queues.js';
import { temporaryFolder } from '../support/temp.js';

const home = process.cwd();
afterEach(() => process.chdir(home));

describe('a path', () => {
  it.each(['steps.db', './a/../steps.db', '/srv/steps.db', 'a?b#c.db', 'memory', 'in-memory.db', ' /a b.db'.trim()])(
    'is made absolute: %s',
    (path) => {
      pathCheck(path, 'path', 'OPTION_INVALID');
      expect(absolutePath(path, 'path')).toBe(resolve(path));
    },
  );

  it('may be :memory:', () => {
    pathCheck(':memory:', 'path', 'OPTION_INVALID');
    expect(absolutePath(':memory:', 'path')).toBe(':memory:');
  });

  it('may be the URL of a file, whose name may hold anything', () => {
    const path = '/srv/a b?c#d%.db';
    pathCheck(pathToFileURL(path), 'path', 'OPTION_INVALID');
    expect(absolutePath(pathToFileURL(path), 'path')).toBe(path);
  });

  it('may be a URL of another realm', () => {
    const foreign = Object.create(null) as URL;
    for (const key of ['href', 'protocol', 'hostname', 'pathname', 'search', 'hash'] as const) {
      Object.assign(foreign, { [key]: pathToFileURL('/srv/steps.db')[key] });
    }
    pathCheck(foreign, 'path', 'OPTION_INVALID');
    expect(absolutePath(foreign, 'path')).toBe('/srv/steps.db');
  });

  it.each<[string, unknown, string]>([
    ['an empty text', '', 'expected a path, a file: URL object, or :memory:, got ""'],
    ['a number', 7, 'got 7'],
    ['a buffer', Buffer.from('steps.db'), 'got [Buffer]'],
    ['the text of a URL', 'file:///srv/steps.db', 'write new URL(…), got "file:///srv/steps.db"'],
    ['an SQLite URI', 'file:steps.db?mode=ro', 'write new URL(…)'],
    ['a URL with a query', new URL('file:///srv/steps.db?mode=ro'), 'write ? as %3F and # as %23, got "file:///srv'],
    ['a URL with a fragment', new URL('file:///srv/steps.db#1'), 'without a query or a fragment'],
    ['a URL of another protocol', new URL('https://host/steps.db'), 'got "https://host/steps.db"'],
    ['the URL of a folder', new URL('file:///srv/'), 'found that of a folder'],
    ['another host’s URL', new URL('file://host/steps.db'), 'expected the URL of a local file'],
    ['a misspelt memory', ':MEMORY:', 'did you mean :memory:?, got ":MEMORY:"'],
    ['half a memory', 'memory:', 'did you mean :memory:?'],
    ['memory among blanks', ' :memory: ', 'did you mean :memory:?'],
    ['memory as a URI', 'file::memory:?cache=shared', 'did you mean :memory:?'],
    ['blanks', '  ', 'without white space at its ends, got "  "'],
    ['a blank at the end', 'steps.db ', 'without white space at its ends, got "steps.db "'],
    ['a slash at the end', 'data/', 'found that of a folder, got "data/"'],
    ['a dot at the end', 'steps.db/.', 'found that of a folder'],
    ['the folder above', '..', 'found that of a folder'],
    ['a NUL', 'steps\0.db', 'without NUL'],
    ['a lone surrogate', 'steps\ud800.db', 'half surrogates'],
  ])('is refused where it is %s', (_what, value, message) => {
    const error = { name: 'ValidationError', code: 'OPTION_INVALID' };
    expect(() => sqlite({ path: value as string })).toThrow(
      expect.objectContaining({ ...error, field: 'sqlite.path' }),
    );
    expect(() => sqlite({ path: value as string })).toThrow(message);
    const journal = (): FleetQ => new FleetQ({ store: sqlite({ path: ':memory:' }), journalPath: value as string });
    expect(journal).toThrow(expect.objectContaining({ ...error, field: 'journalPath' }));
    expect(journal).toThrow(message);
  });

  it('is refused if it is relative to a folder that no longer exists', () => {
    const gone = join(temporaryFolder(), 'gone');
    mkdirSync(gone);
    process.chdir(gone);
    rmSync(gone, { recursive: true });
    const refusal = expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining('"steps.db"') });
    expect(() => sqlite({ path: 'steps.db' })).toThrow(refusal);
  });
});

describe('after the process has changed its folder', () => {
  /** Runs with the current folder `made`, then moves to another. */
  function moved<T>(made: string, create: () => T): T {
    process.chdir(made);
    const value = create();
    process.chdir(temporaryFolder());
    return value;
  }

  it.each<[string, () => Pick<AnyFleetQ, 'submit'>]>([
    ['a relative path', () => newQueue({ store: sqlite({ path: 'fleet-q.db' }) })],
    ['the default file', () => stopped(new FleetQ())],
    ['the default file of the environment', () => stopped(FleetQ.fromEnv({}, {}))],
    ['FLEET_Q_SQLITE_PATH', () => stopped(FleetQ.fromEnv({}, { FLEET_Q_SQLITE_PATH: './fleet-q.db' }))],
  ])('%s still means the file that it meant', async (_what, create) => {
    const folder = temporaryFolder();
    const queue = moved(folder, create);
    await queue.submit({ type: 'work' });
    process.chdir(folder);
    const same = newQueue({ store: sqlite({ path: 'fleet-q.db' }) });
    expect((await same.stats()).pendingSteps).toBe(1);
  });

  it('names the variable whose path is not acceptable', () => {
    const refusal = expect.objectContaining({ code: 'OPTION_INVALID', field: 'FLEET_Q_SQLITE_PATH' });
    expect(() => FleetQ.fromEnv({}, { FLEET_Q_SQLITE_PATH: 'file:steps.db' })).toThrow(refusal);
  });
});
