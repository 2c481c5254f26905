/** Every way in that the driver has: what the user gives is passed on to it as it is. */
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionOptions } from 'snowflake-sdk';
import { expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../support/temp.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { useStores } from './support/stores.js';

describeOnTestBed('a store gets in', () => {
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

  test('by a password, also from a function', async () => {
    await opens(options());
    await opens(() => options());
  });

  test('by a key pair', async () => {
    const { publicKey, privateKey } = keys();
    bed().proxy.account.configure({ publicKey });
    await opens(without({ authenticator: 'SNOWFLAKE_JWT', privateKey }));
  });

  test('by a key in a file, under a passphrase', async () => {
    const { publicKey, privateKey } = keys('a passphrase');
    bed().proxy.account.configure({ publicKey });
    const privateKeyPath = file('rsa_key.p8', privateKey);
    await opens(without({ authenticator: 'SNOWFLAKE_JWT', privateKeyPath, privateKeyPass: 'a passphrase' }));
  });

  test('by OAuth, by a programmatic access token, and by the identity of its workload', async () => {
    bed().proxy.account.configure({ oauthTokens: ['o-token'], accessTokens: ['p-token'], identityTokens: ['w-token'] });
    await opens(without({ authenticator: 'OAUTH', token: 'o-token' }));
    await opens(without({ authenticator: 'PROGRAMMATIC_ACCESS_TOKEN', token: 'p-token' }));
    vi.stubEnv('SNOWFLAKE_WIF_ALLOWED_HOST_SUFFIXES', '127.0.0.1'); // the driver shows that token to Snowflake alone
    const workloadIdentityProvider = 'OIDC';
    await opens(without({ authenticator: 'WORKLOAD_IDENTITY', workloadIdentityProvider, token: 'w-token' }));
  });

  test("by the driver's connections.toml, where no connection is given", async () => {
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
