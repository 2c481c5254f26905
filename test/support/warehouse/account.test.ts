/** Logins: who may log in, and the errors of a refused login. */
import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { describeOnTestBed } from './suite.js';
import { useTestBed } from './use-test-bed.js';

const keys = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });

describeOnTestBed('login', () => {
  const { bed, connect } = useTestBed();
  const where = `SELECT CURRENT_DATABASE() AS d, CURRENT_SCHEMA() AS s, CURRENT_WAREHOUSE() AS w`;

  test('a wrong user or password', async () => {
    await expect(connect({ username: 'nobody' })).rejects.toMatchObject({ code: '390100' });
    await expect(connect({ password: 'wrong' })).rejects.toMatchObject({ code: '390100', sqlState: '08001' });
  });

  test('a wrong account: another server answers, not Snowflake', async () => {
    await expect(connect({ account: 'nobody' })).rejects.toMatchObject({ code: 401002, response: { statusCode: 404 } });
  });

  test('a wrong role', async () => {
    await expect(connect({ role: 'NOBODY' })).rejects.toMatchObject({ code: '390189' });
    expect(await (await connect({ role: 'public' })).run('SELECT CURRENT_ROLE() AS r')).toEqual([{ R: 'PUBLIC' }]);
  });

  test('a wrong warehouse, database or schema: the login succeeds, and the session has none', async () => {
    const noWarehouse = await connect({ warehouse: 'NOWHERE' });
    expect((await noWarehouse.run(where))[0]).toMatchObject({ W: null });
    await noWarehouse.run('CREATE TABLE t (n NUMBER(38, 0))');
    await expect(noWarehouse.run('SELECT n FROM t')).rejects.toMatchObject({ code: '000606', sqlState: '57P03' });
    const noDatabase = await connect({ database: 'NOWHERE' });
    expect((await noDatabase.run(where))[0]).toMatchObject({ D: null, S: null });
    await expect(noDatabase.run('SELECT n FROM t')).rejects.toMatchObject({ code: '090105', sqlState: '22000' });
    const noSchema = await connect({ schema: 'NOWHERE' });
    expect((await noSchema.run(where))[0]).toMatchObject({ S: null });
    await expect(noSchema.run('SELECT n FROM t')).rejects.toMatchObject({ code: '090106', sqlState: '22000' });
  });

  test('key pairs', async () => {
    const [mine, wrong] = [keys(), keys()];
    const by = (privateKey: string) =>
      connect({ authenticator: 'SNOWFLAKE_JWT', privateKey, password: undefined } as object);
    await expect(by(mine.privateKey)).rejects.toMatchObject({ code: '390144' });
    bed().proxy.account.configure({ publicKey: mine.publicKey });
    await expect(by(wrong.privateKey)).rejects.toMatchObject({ code: '390144' });
    expect(await (await by(mine.privateKey)).run('SELECT 1 AS one')).toEqual([{ ONE: 1 }]);
  });

  test('OAuth and programmatic access tokens', async () => {
    bed().proxy.account.configure({ oauthTokens: ['right'], accessTokens: ['mine'] });
    const by = (authenticator: string, token: string) =>
      connect({ authenticator, token, password: undefined } as object);
    await expect(by('OAUTH', 'wrong')).rejects.toMatchObject({ code: '390303' });
    await expect(by('PROGRAMMATIC_ACCESS_TOKEN', 'wrong')).rejects.toMatchObject({ code: '394400' });
    expect(await (await by('OAUTH', 'right')).run('SELECT 1 AS one')).toEqual([{ ONE: 1 }]);
    expect(await (await by('PROGRAMMATIC_ACCESS_TOKEN', 'mine')).run('SELECT 1 AS one')).toEqual([{ ONE: 1 }]);
  });

  test('a login that fails for a while is repeated by the driver', async () => {
    bed().proxy.faults.inject({ kind: 'status', status: 503 }, { route: 'login' });
    bed().proxy.faults.inject({ kind: 'cut' }, { route: 'login' });
    expect(await (await connect()).run('SELECT 1 AS one')).toEqual([{ ONE: 1 }]);
  });
});
