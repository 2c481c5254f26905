/** The account: its users, their secrets, and the roles and warehouses that they may use. */
import { createPublicKey, verify } from 'node:crypto';
import { stored } from './sql-text.js';
import { refusals, type Refusal } from './wire-replies.js';

export interface AccountOptions {
  readonly name: string;
  readonly user: string;
  readonly password: string;
  /** In PEM, of the user; without it no key is right. */
  readonly publicKey?: string;
  readonly oauthTokens: readonly string[];
  /** Programmatic access tokens. */
  readonly accessTokens: readonly string[];
  /** Tokens of workloads, as an OpenID Connect provider gives them. */
  readonly identityTokens: readonly string[];
  readonly roles: readonly string[];
  readonly warehouses: readonly string[];
  /**
   * What is set for the user or for the account, by upper-case name. It holds from the login until the session sets it
   * otherwise; DEFAULT_DDL_COLLATION, which no session can set, until a table does.
   */
  readonly parameters: Readonly<Record<string, string>>;
  /** How far the server's clock is ahead of this host's. */
  readonly clockAheadMs: number;
}

const ACCOUNT: AccountOptions = {
  name: 'fakesnow',
  user: 'fake',
  password: 'snow',
  oauthTokens: [],
  accessTokens: [],
  identityTokens: [],
  roles: ['PUBLIC', 'FLEET_Q_ROLE'],
  warehouses: ['FLEET_Q_WH'],
  parameters: {},
  clockAheadMs: 0,
};

/** How far in the future a token may have been issued. Not documented; the driver's tokens live for two minutes. */
const TOLERATED_MS = 60_000;

/** What the driver sends to log in. */
export interface LoginData {
  readonly ACCOUNT_NAME?: string;
  readonly LOGIN_NAME?: string;
  readonly PASSWORD?: string;
  readonly AUTHENTICATOR?: string;
  readonly TOKEN?: string;
  readonly SESSION_PARAMETERS?: Readonly<Record<string, unknown>>;
}

interface TokenClaims {
  readonly sub?: string;
  readonly iat?: number;
  readonly exp?: number;
}

/** The standard counts seconds, the driver writes ms. */
function epochMs(instant = 0): number {
  return instant > 1e11 ? instant : instant * 1_000;
}

export class Account {
  #options: AccountOptions;

  constructor(options: Partial<AccountOptions>) {
    this.#options = { ...ACCOUNT, ...options };
  }

  get options(): AccountOptions {
    return this.#options;
  }

  configure(options: Partial<AccountOptions>): void {
    this.#options = { ...this.#options, ...options };
  }

  /** An account that does not exist has no host: somebody else's web server answers for it. */
  has(name: string | undefined): boolean {
    return name?.toUpperCase() === this.#options.name.toUpperCase();
  }

  /** Throws what Snowflake says to the wrong credentials. */
  authenticate(data: LoginData): void {
    const refusal = this.#refusal(data);
    if (refusal !== undefined) throw refusal;
  }

  #refusal(data: LoginData): Refusal | undefined {
    const { user, password, oauthTokens, accessTokens, identityTokens } = this.#options;
    const { TOKEN: token = '' } = data;
    switch (data.AUTHENTICATOR?.toUpperCase()) {
      case 'SNOWFLAKE_JWT':
        return this.#signed(token) ? undefined : refusals.wrongKey();
      case 'OAUTH':
        return oauthTokens.includes(token) ? undefined : refusals.wrongOauthToken();
      case 'PROGRAMMATIC_ACCESS_TOKEN':
        return accessTokens.includes(token) ? undefined : refusals.wrongAccessToken();
      case 'WORKLOAD_IDENTITY':
        return identityTokens.includes(token) ? undefined : refusals.wrongIdentity();
      default: {
        const right = data.LOGIN_NAME?.toUpperCase() === user.toUpperCase() && data.PASSWORD === password;
        return right ? undefined : refusals.wrongCredentials();
      }
    }
  }

  /** Whether the token was signed with the user's private key, for the user, and is valid by the server's clock. */
  #signed(token: string): boolean {
    const { publicKey, user, clockAheadMs } = this.#options;
    const [head, body, signature] = token.split('.');
    if (publicKey === undefined || head === undefined || body === undefined || signature === undefined) return false;
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as TokenClaims;
    const signed = Buffer.from(`${head}.${body}`);
    const right = verify('RSA-SHA256', signed, createPublicKey(publicKey), Buffer.from(signature, 'base64url'));
    const now = Date.now() + clockAheadMs;
    const inTime = epochMs(claims.iat) <= now + TOLERATED_MS && epochMs(claims.exp) > now;
    return right && inTime && claims.sub?.endsWith(`.${user.toUpperCase()}`) === true;
  }

  /** The role to log in with. */
  role(name: string | null): string {
    if (name === null) return this.#options.roles[0] ?? 'PUBLIC';
    if (!this.#options.roles.includes(stored(name))) throw refusals.wrongRole(name);
    return stored(name);
  }

  /** The warehouse of this name. One that the role may not use counts as none; a statement that needs it fails. */
  warehouse(name: string | null): string | null {
    return name !== null && this.#options.warehouses.includes(stored(name)) ? stored(name) : null;
  }
}
