/** The module of `fleet-q worker`: what may be named, and what it may export. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadModule } from '../../../src/cli/worker/load-module.js';
import { application, Service } from './service.js';

/** Node.js 22.18 and later have this flag; their types do not yet. */
const runsTypeScript = Boolean((process.features as { typescript?: unknown }).typescript);

const EXPECTED = 'expected a queue (`export default queue` or `export const queue`), or step definitions';

const STEP = (name: string): string => `{ type: '${name}', run: async () => '${name}' }`;

describe('a module is refused before anything is opened', { timeout: 60_000 }, () => {
  test.for([
    ['is missing', 'missing.mjs', '', 'there is no file '],
    ['is a missing path', './missing.mjs', '', 'missing.mjs does not exist'],
    ['is a folder', './folder', '', 'folder is a folder; name a file in it'],
    ['exports nothing', 'm.mjs', '', `exports nothing; ${EXPECTED}`],
    ['exports nothing usable', 'm.mjs', 'export const a = 1; export const b = {};', `exports only a, b; ${EXPECTED}`],
    ['exports an empty array', 'm.mjs', 'export default [];', `exports nothing; ${EXPECTED}`],
    [
      'has something else in its array',
      'm.mjs',
      `export default [${STEP('a')}, 7];`,
      'default[1] is no step definition',
    ],
    [
      'throws',
      'm.mjs',
      'throw new RangeError("no configuration");',
      'could not be loaded: RangeError: no configuration',
    ],
    ['rejects', 'm.mjs', 'await Promise.reject(new Error("away"));', 'could not be loaded: Error: away'],
    [
      'has an export that throws',
      'm.cjs',
      'Object.defineProperty(exports, "x", { enumerable: true, get() { throw new Error("no value"); } });',
      'module "m.cjs": could not be loaded: Error: no value',
    ],
    ['throws what is no error', 'm.mjs', 'throw undefined;', 'could not be loaded: undefined'],
    ['cannot be parsed', 'm.mjs', 'export default {{;', 'could not be loaded: SyntaxError: '],
    ['imports what is missing', 'm.mjs', 'import "no-such-package";', "Cannot find package 'no-such-package'"],
    [
      'has one type twice',
      'm.mjs',
      `export const a = ${STEP('same')}; export const b = ${STEP('same')};`,
      '"same" is registered already',
    ],
    ['has a bad option', 'm.mjs', `export const a = { type: 'a', run() {}, timeoutMs: -1 };`, 'timeoutMs'],
    [
      'exports two queues',
      'm.mjs',
      `import { FleetQ } from 'fleet-q'; export const a = new FleetQ(); export const b = new FleetQ();`,
      'exports 2 queues; a worker runs one',
    ],
  ] as const)('if it %s', async ([, name, content, message]) => {
    const folder = application({
      'm.mjs': '',
      'folder/index.mjs': '',
      ...(name.startsWith('m.') && { [name]: content }),
    });
    const { code, stdout, stderr } = await new Service(folder, ['worker', name, '--port', '0']).ended;
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('    at ');
    expect(existsSync(path.join(folder, 'fleet-q.db'))).toBe(false);
  });

  test('if its top level awaits what never comes', async () => {
    const folder = application({ 'm.mjs': 'await new Promise(() => undefined);' });
    await expect(loadModule('m.mjs', folder, 50)).rejects.toThrow(
      'module "m.mjs": could not be loaded: Error: its top level still awaits something after 0.05 s',
    );
  });

  test('if it is TypeScript and Node.js runs none', { skip: runsTypeScript }, async () => {
    const { code, stderr } = await new Service(application({ 'm.ts': '' }), ['worker', 'm.ts']).ended;
    expect(code).toBe(2);
    expect(stderr).toContain(`Node.js ${process.version} does not run TypeScript; compile it to JavaScript`);
  });

  test('and the debug log has the stack of what it threw', async () => {
    const folder = application({ 'm.mjs': 'function inner() { throw new Error("deep"); } inner();' });
    const { stdout } = await new Service(folder, ['worker', 'm.mjs'], { FLEET_Q_LOG_LEVEL: 'debug' }).ended;
    expect(stdout).toContain('at inner (');
  });
});

describe('a module runs', { timeout: 120_000 }, () => {
  const queue = `import { FleetQ } from 'fleet-q'; const made = new FleetQ().register('a', async () => 1);`;

  test.for([
    ['named definitions', 'm.mjs', `export const a = ${STEP('a')}; export const b = ${STEP('b')};`],
    ['an array as the default export', 'm.mjs', `export default [${STEP('a')}, ${STEP('b')}];`],
    ['an array with a name', 'm.mjs', `export const steps = [${STEP('a')}, ${STEP('b')}];`],
    [
      'one definition under two names',
      'm.mjs',
      `const a = ${STEP('a')}; export { a, a as also }; export const b = ${STEP('b')};`,
    ],
    ['CommonJS', 'm.cjs', `module.exports = { a: ${STEP('a')}, b: ${STEP('b')} };`],
    ['a package', 'steps', `export const a = ${STEP('a')}; export const b = ${STEP('b')};`],
    [
      'a queue, and not the definitions beside it',
      'm.mjs',
      `${queue} export { made as queue }; export const a = ${STEP('a')};`,
    ],
    ['a queue as the default export', 'm.mjs', `${queue} export default made;`],
  ] as const)('with %s', async ([what, name, content]) => {
    const isPackage = name === 'steps';
    const folder = application(
      isPackage
        ? {
            'node_modules/steps/package.json': '{"type":"module","exports":"./main.js"}',
            'node_modules/steps/main.js': content,
          }
        : { [name]: content },
    );
    const worker = new Service(folder, ['worker', name, '--port', '0']);
    await worker.becomesReady();
    const [{ types }] = worker.lines.filter(({ message }) => message === 'the worker starts') as [{ types?: string[] }];
    expect(types).toEqual(what.includes('queue') ? undefined : ['a', 'b']);
    expect(existsSync(path.join(folder, 'fleet-q.db'))).toBe(true);
    expect(await worker.terminate()).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  test('with a queue only if no flag contradicts it', async () => {
    const folder = application({ 'm.mjs': `${queue} export default made;` });
    const { code, stderr } = await new Service(folder, ['worker', 'm.mjs', '--concurrency', '3']).ended;
    expect(code).toBe(2);
    expect(stderr).toContain('--concurrency does not apply: the module exports a queue');
  });
});
