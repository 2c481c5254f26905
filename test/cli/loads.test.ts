/** Which modules the command loads, so that a probe starts quickly and a verb loads nothing that it does not use. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temp.js';
import { sqliteGround, stepsOfEachState } from './support/ground.js';
import { linesOf, shell } from './support/shell.js';

/** Below `dist`: a file, or the name of a folder. */
const ROOM = /\/dist\/(cli\.js|http\/\w+|[\w-]+)/;
const PACKAGE = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/** Runs a script in which Node.js writes down each module that it loads. */
async function loadedBy(script: string, env: Readonly<Record<string, string>> = {}) {
  const folder = temporaryFolder();
  const file = path.join(folder, 'loaded');
  const write = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text);
    return pathToFileURL(path.join(folder, name)).href;
  };
  const hooks = `
    import { appendFileSync } from 'node:fs';
    export const load = (url, context, next) => {
      appendFileSync(${JSON.stringify(file)}, url + '\\n');
      return next(url, context);
    };`;
  const hooked = write(
    'hooked.mjs',
    `import { register } from 'node:module'; register('${write('hooks.mjs', hooks)}');`,
  );
  const ran = await shell(script, { ...env, NODE_OPTIONS: `--import=${hooked}` });
  const urls = linesOf(readFileSync(file, 'utf8'));
  const found = (pattern: RegExp, where: (url: string) => boolean): readonly string[] =>
    [...new Set(urls.filter(where).map((url) => pattern.exec(url)?.[1] ?? url))].sort();
  const isOwn = (url: string): boolean => url.startsWith('file:') && !url.includes('/node_modules/');
  return {
    ran,
    rooms: found(ROOM, (url) => isOwn(url) && !url.endsWith('/hooks.mjs')),
    packages: found(PACKAGE, (url) => url.includes('/node_modules/')),
  };
}

const OF_ANY_VERB = ['cli', 'cli.js', 'errors', 'version'];

test.each([
  ['fleet-q --version', 0],
  ['fleet-q --help', 0],
  ['fleet-q probe livez --url http://127.0.0.1:1', 1],
])('%s loads neither the library nor a driver', async (script, code) => {
  const { ran, rooms, packages } = await loadedBy(script);
  expect(ran).toMatchObject({ code, stderr: '' });
  expect(rooms).toEqual(OF_ANY_VERB);
  expect(packages).toEqual(expect.arrayContaining(['commander']));
  expect(packages).not.toEqual(expect.arrayContaining(['better-sqlite3']));
});

test.each(['get ID -o json', 'list', 'stats'])('%s loads the library and the driver, and no HTTP', async (verb) => {
  const { env, queue } = await sqliteGround();
  const { completed } = await stepsOfEachState(queue);
  const { ran, rooms, packages } = await loadedBy(`fleet-q ${verb.replace('ID', completed)}`, env);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(rooms).toEqual(expect.arrayContaining([...OF_ANY_VERB, 'index', 'store']));
  expect(packages).toEqual(expect.arrayContaining(['better-sqlite3']));
  expect(rooms.filter((room) => room.startsWith('http'))).toEqual(verb === 'stats' ? [] : ['http/answers']);
  const unused = ['hono', '@hono/node-server', 'ajv', 'prom-client', 'snowflake-sdk'];
  expect(packages.filter((name) => unused.includes(name))).toEqual([]);
});
