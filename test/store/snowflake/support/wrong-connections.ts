import type { ConnectionOptions } from 'snowflake-sdk';

/** What is wrong with a connection: the options that say so, the error's code, and what the error must name. */
export type WrongConnections = Readonly<
  Record<string, { readonly over: ConnectionOptions; readonly code: string; readonly names: RegExp }>
>;

/**
 * @param secret a wrong password
 * @param privateKey a key of nobody
 */
export function wrongConnections(secret: string, privateKey: string): WrongConnections {
  return {
    account: { over: { account: 'nobody' }, code: 'STORE_LOGIN_REFUSED', names: /no account nobody/ },
    user: { over: { username: 'mallory' }, code: 'STORE_LOGIN_REFUSED', names: /the user or the password/ },
    password: { over: { password: secret }, code: 'STORE_LOGIN_REFUSED', names: /the user or the password/ },
    key: {
      over: { authenticator: 'SNOWFLAKE_JWT', privateKey },
      code: 'STORE_LOGIN_REFUSED',
      names: /the key does not fit the user/,
    },
    role: { over: { role: 'NO_ROLE' }, code: 'STORE_LOGIN_REFUSED', names: /the role/ },
    warehouse: { over: { warehouse: 'NO_WH' }, code: 'STORE_NO_WAREHOUSE', names: /no warehouse/ },
  };
}
