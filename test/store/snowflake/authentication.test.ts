/** Every way to sign in that the driver has: the user's connection options are passed on as they are. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { inspect } from 'node:util';
import type { ConnectionOptions } from 'snowflake-sdk';
import { expect, onTestFinished, test, vi } from 'vitest';
import { systemRuntime } from '../../../src/runtime/runtime.js';
import { temporaryFolder } from '../../support/temp.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

const CLIENT_SECRET = 'tell-nobody-91c4';

/** An identity provider that gives a token for the client's secret, and otherwise quotes what was sent. */
async function identityProvider(token: string): Promise<string> {
  const server = createServer(async (request, response) => {
    const sent = new URLSearchParams(await text(request));
    const right = sent.get('client_secret') === CLIENT_SECRET && sent.get('grant_type') === 'client_credentials';
    const answer = right
      ? { access_token: token, token_type: 'bearer', expires_in: 600 }
      : { error: 'invalid_client', error_description: `not a client: ${sent.get('client_secret')}` };
    response.writeHead(right ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
}

describeOnTestBed('a store signs in', () => {
  const { bed, make, options } = useStores();
  const opens = async (connection: ConnectionOptions | (() => ConnectionOptions) | undefined): Promise<void> => {
    const store = await make({ connection: connection as ConnectionOptions });
    await store.open();
    expect(await store.stats()).toMatchObject({ due: 0 });
  };
  const without = (over: object): ConnectionOptions => {
    const { password: _, ...rest } = options();
    return { ...rest, ...over };
  };
  const file = (name: string, text: string): string => {
    const path = join(temporaryFolder(), name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const keys = (passphrase?: string) =>
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding:
        passphrase === undefined
          ? { type: 'pkcs8', format: 'pem' }
          : { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase },
    });

  test('with a password, also from a function', async () => {
    await opens(options());
    await opens(() => options());
  });

  test('with a key pair', async () => {
    const { publicKey, privateKey } = keys();
    bed().proxy.account.configure({ publicKey });
    await opens(without({ authenticator: 'SNOWFLAKE_JWT', privateKey }));
  });

  test.each([1, -1])('with a key pair after its clock, %i h off, was corrected', async (hours) => {
    const { publicKey, privateKey } = keys();
    const { account } = bed().proxy;
    account.configure({ publicKey, clockAheadMs: hours * 3_600_000 });
    onTestFinished(() => account.configure({ clockAheadMs: 0 }));
    const wallMs = () => Date.UTC(2026, 0, 2, 3, 4, 5);
    const connection = without({ authenticator: 'SNOWFLAKE_JWT', privateKey });
    const store = await make({ connection }, undefined, { ...systemRuntime, wallMs });
    await expect(store.open()).rejects.toMatchObject({
      code: 'STORE_LOGIN_REFUSED',
      transient: false,
      message: expect.stringMatching(
        /^the key does not fit the user, or the clock of this host \(2026-01-02T03:04:05\.000Z\) differs .*390144/,
      ),
    });
    account.configure({ clockAheadMs: 0 });
    await store.open();
  });

  test('with a key in a file, protected by a passphrase', async () => {
    const { publicKey, privateKey } = keys('a passphrase');
    bed().proxy.account.configure({ publicKey });
    const privateKeyPath = file('rsa_key.p8', privateKey);
    await opens(without({ authenticator: 'SNOWFLAKE_JWT', privateKeyPath, privateKeyPass: 'a passphrase' }));
  });

  test('with OAuth, with a programmatic access token, and with workload identity', async () => {
    bed().proxy.account.configure({ oauthTokens: ['o-token'], accessTokens: ['p-token'], identityTokens: ['w-token'] });
    await opens(without({ authenticator: 'OAUTH', token: 'o-token' }));
    await opens(without({ authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', token: 'p-token' }));
    vi.stubEnv('SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES', '127.0.0.1'); // the driver shows that token to Snowflake alone
    const workloadIdentityProvider = 'OIDC';
    await opens(without({ authenticator: 'WORKLOAD_IDENTITY', workloadIdentityProvider, token: 'w-token' }));
  });

  test('with OAuth client credentials, whose secret only the identity provider gets', async () => {
    bed().proxy.account.configure({ oauthTokens: ['fetched-token'] });
    const client = {
      authenticator: 'OAUTH_CLIENT_CREDENTIALS',
      oauthClientId: 'fleet-q',
      oauthTokenRequestUrl: await identityProvider('fetched-token'),
      oauthScope: 'session:role:FLEET_Q_ROLE',
      oauthHttpAllowed: true,
    };
    await opens(without({ ...client, oauthClientSecret: CLIENT_SECRET }));
    const wrong = `${CLIENT_SECRET}-wrong`;
    const store = await make({ connection: without({ ...client, oauthClientSecret: wrong }) });
    const refused = await store.open().catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'STORE_LOGIN_REFUSED' });
    expect(inspect(refused, { depth: Infinity, showHidden: true })).not.toContain(CLIENT_SECRET);
  });

  test('with a token in a file, which is read at each login', async () => {
    bed().proxy.account.configure({ accessTokens: ['p-token'], identityTokens: ['w-token'] });
    vi.stubEnv('SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES', '127.0.0.1');
    const tokenFilePath = file('token', 'p-token\n');
    const connection = without({ authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', tokenFilePath });
    const store = await make({ connection });
    await store.open();
    writeFileSync(tokenFilePath, 'another-token');
    bed().proxy.account.configure({ accessTokens: ['another-token'] });
    bed().proxy.faults.inject({ kind: 'gone' });
    expect(await store.stats()).toMatchObject({ due: 0 });
    expect(connection).not.toHaveProperty('token');
    writeFileSync(tokenFilePath, 'w-token');
    const workload = { authenticator: 'WORKLOAD_IDENTITY', workloadIdentityProvider: 'OIDC', tokenFilePath };
    await opens(without(workload));
  });

  test('with a key that is rotated, because the function is called for each login', async () => {
    const [old, next] = [keys(), keys()];
    const path = file('key.p8', old.privateKey);
    bed().proxy.account.configure({ publicKey: old.publicKey });
    const connection = () => without({ authenticator: 'SNOWFLAKE_JWT', privateKey: readFileSync(path, 'utf8') });
    const store = await make({ connection });
    await store.open();
    writeFileSync(path, next.privateKey);
    bed().proxy.account.configure({ publicKey: next.publicKey });
    bed().proxy.faults.inject({ kind: 'gone' });
    expect(await store.stats()).toMatchObject({ due: 0 });
  });

  test('with the role that AWS gave the pod', async () => {
    for (const [name, value] of Object.entries({
      ...{ AWS_REGION: 'eu-central-1', AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: CLIENT_SECRET },
      SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES: '127.0.0.1',
    }))
      vi.stubEnv(name, value);
    let shown = '';
    const anyToken = Object.assign([], { includes: (token: string) => (shown = token) !== '' });
    bed().proxy.account.configure({ identityTokens: anyToken });
    onTestFinished(() => bed().proxy.account.configure({ identityTokens: [] }));
    await opens(without({ authenticator: 'WORKLOAD_IDENTITY', workloadIdentityProvider: 'AWS' }));
    const attestation = Buffer.from(shown, 'base64').toString();
    expect(JSON.parse(attestation)).toMatchObject({
      url: expect.stringContaining('https://sts.eu-central-1.amazonaws.com/?Action=GetCallerIdentity'),
      headers: { 'x-snowflake-audience': 'snowflakecomputing.com' },
    });
    expect(attestation).not.toContain(CLIENT_SECRET);
  });

  test("with the driver's connections.toml, if no connection is given", async () => {
    const lines = Object.entries(options()).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
    const path = file('connections.toml', `[queue]\n${lines.join('\n')}\n`);
    vi.stubEnv('SNOWFLAKE_HOME', join(path, '..'));
    vi.stubEnv('SNOWFLAKE_DEFAULT_CONNECTION_NAME', 'queue');
    await opens(undefined);
    vi.stubEnv('SNOWFLAKE_DEFAULT_CONNECTION_NAME', 'another');
    const refused = {
      code: 'STORE_LOGIN_REFUSED',
      message: expect.stringMatching(/connections\.toml.* no such entry/),
    };
    await expect(opens(undefined)).rejects.toMatchObject(refused);
    vi.stubEnv('SNOWFLAKE_HOME', join(path, '..', 'nowhere'));
    await expect(opens(undefined)).rejects.toMatchObject(refused);
  });
});
