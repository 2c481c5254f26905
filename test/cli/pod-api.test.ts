/** The verbs that ask a pod over HTTP, against the real server of a real pod. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Database from 'better-sqlite3';
import type { AnyFleetQ } from 'fleet-q';
import { serve } from 'fleet-q/http';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { leaderOfTheDead } from '../support/dead-pods.js';
import { sqliteGround, type Ground } from './support/ground.js';
import { complaintOf, linesOf, shell } from './support/shell.js';

const TOKEN = 'a-token-that-nobody-guesses';

let queue: AnyFleetQ;
let env: Ground['env'];
let url: string;
beforeEach(async () => {
  const ground = await sqliteGround();
  queue = ground.queue;
  const server = await serve(queue, { port: 0, auth: TOKEN, basePath: '/queue' });
  onTestFinished(() => server.close());
  url = server.url;
  env = { ...ground.env, FLEET_Q_API_TOKEN: TOKEN };
});
const run = (script: string, more: Ground['env'] = {}) => shell(script, { ...env, ...more });

test('pause and resume act on the pod at the address', async () => {
  expect(await run(`fleet-q pause --url ${url}`)).toMatchObject({ code: 0, stdout: 'paused worker-1\n', stderr: '' });
  expect(queue.health().paused).toBe(true);
  expect(await run(`fleet-q resume --url ${url}`)).toMatchObject({ code: 0, stdout: 'resumed worker-1\n', stderr: '' });
  expect(queue.health().paused).toBe(false);
});

test('the address of the pod in whose container the command runs is the default', async () => {
  const server = await serve(queue, { port: 0, auth: TOKEN });
  onTestFinished(() => server.close());
  const own = { FLEET_Q_API_HOST: '0.0.0.0', FLEET_Q_API_PORT: String(server.port) };
  expect(await run('fleet-q pause', own)).toMatchObject({ code: 0, stdout: 'paused worker-1\n' });
});

test('recover runs a cycle on the leader, and history lists it', async () => {
  await expect.poll(() => queue.health().isLeader).toBe(true);
  const dry = await run(`fleet-q recover --url ${url} --dry-run -o json`);
  expect(dry).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(dry.stdout).cycles).toMatchObject([{ dry_run: true, orphan_count: 0 }]);
  const history = await run(`fleet-q history --url ${url} -n 3 -o json`);
  expect(history).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(history.stdout)).toHaveProperty('cycles');
});

test('history prints what a cycle did', async () => {
  const server = await serve(await leaderOfTheDead(), { port: 0, auth: TOKEN });
  onTestFinished(() => server.close());
  const recovered = await run(`fleet-q recover --url ${server.url} -o json`);
  const { cycles } = JSON.parse(recovered.stdout) as { cycles: { started_ts: string }[] };
  expect(cycles).toMatchObject([
    { dry_run: false, requeued: ['innocent-1', 'innocent-2'], requeued_count: 2, failed: ['killer'], failed_count: 1 },
  ]);
  const history = await run(`fleet-q history --url ${server.url} -o json`);
  expect(JSON.parse(history.stdout)).toEqual({ cycles });
  const table = linesOf((await run(`fleet-q history --url ${server.url}`)).stdout);
  expect(table.map((line) => line.split(/ {2,}/))).toEqual([
    ['STARTED', 'ORPHANS', 'REQUEUED', 'FAILED', 'TOOK', 'DRY RUN', 'DEAD PODS'],
    [cycles[0]?.started_ts, '3', '2', '1', expect.stringMatching(/^\d+ms$/), 'no', 'bob, eve'],
  ]);
});

describe('refused:', () => {
  test('a wrong token, and none, with exit code 1; the token is not printed', async () => {
    const [wrong, none] = await Promise.all([
      run(`fleet-q pause --url ${url}`, { FLEET_Q_API_TOKEN: 'a-wrong-secret' }),
      run(`fleet-q pause --url ${url}`, { FLEET_Q_API_TOKEN: '' }),
    ]);
    for (const ran of [wrong, none]) {
      expect(complaintOf(ran)).toMatch(/FLEET_Q_API_TOKEN.*\(UNAUTHENTICATED\)$/);
      expect([ran.code, ran.stdout]).toEqual([1, '']);
      expect(ran.stderr).not.toContain('a-wrong-secret');
    }
    expect(queue.health().paused).toBe(false);
  });

  test('an address where nothing listens, with exit code 4', async () => {
    const server = await serve(queue, { port: 0 });
    await server.close();
    const ran = await run(`fleet-q history --url http://127.0.0.1:${server.port}`);
    expect(complaintOf(ran)).toBe(`the pod at http://127.0.0.1:${server.port}/ cannot be asked: ECONNREFUSED`);
    expect(ran.code).toBe(4);
  });

  test('a server that is no pod, and one that redirects, which gets no token', async () => {
    const seen: (string | undefined)[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end('<html>');
    });
    const redirecting = createServer((_, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${(other.address() as AddressInfo).port}/` }).end();
    });
    for (const server of [other, redirecting]) {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
    }
    const at = (server: typeof other): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const redirected = await run(`fleet-q pause --url ${at(redirecting)}`);
    expect(complaintOf(redirected)).toMatch(/answered 302: is it a pod of FLEET-Q\?$/);
    expect(seen).toEqual([]);
    const foreign = await run(`fleet-q pause --url ${at(other)}`);
    expect(complaintOf(foreign)).toMatch(/answered 200: is it a pod of FLEET-Q\?$/);
    expect([redirected.code, foreign.code]).toEqual([1, 1]);
  });
});

describe('recover without --url', () => {
  test('is refused if another pod leads, and names it; --force runs it', async () => {
    await expect.poll(() => queue.health().isLeader).toBe(true);
    const refused = await run('fleet-q recover');
    expect(complaintOf(refused)).toMatch(/^the pod worker-1 leads the fleet; ask it with --url, or pass --force/);
    expect(refused.code).toBe(1);
    const forced = await run('fleet-q recover --force -o json');
    expect(forced).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(forced.stdout).cycles).toHaveLength(1);
    const pods = await run('fleet-q pods -o ids');
    expect(linesOf(pods.stdout)).toEqual(['worker-1']);
  });

  test('never takes the id of a pod, which would supersede it', async () => {
    await run('fleet-q recover --force', { FLEET_Q_POD_ID: 'worker-1' });
    expect(queue.health()).toMatchObject({ status: 'healthy', podId: 'worker-1' });
    const file = new Database(env['FLEET_Q_SQLITE_PATH'], { readonly: true });
    onTestFinished(() => void file.close());
    const incarnations = file.prepare(`SELECT pod_id FROM POD_HEALTH WHERE pod_id = 'worker-1'`).all();
    expect(incarnations).toHaveLength(1);
  });

  test('leads the fleet if no pod is left, and leaves it', async () => {
    await queue.stop();
    const ran = await run('fleet-q recover');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^STARTED +ORPHANS +REQUEUED +FAILED/);
    expect((await run('fleet-q pods -o ids')).stdout).toBe('');
  });
});
