/** No secret leaves the store: not in a log, an event, an error, its causes, its JSON, or the output of `inspect`. */
import { FleetQ, type AnyFleetQ, type FleetQOptions, type StoreFactory } from 'fleet-q';
import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import sdk, { type ConnectionOptions } from 'snowflake-sdk';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { disable, enable } from '../../../src/log/debug.js';
import type { Logger } from '../../../src/log.js';
import { snowflake } from '../../../src/snowflake.js';
import { Secrets } from '../../../src/store/snowflake/session/secrets.js';
import { describeOnTestBed } from '../../support/warehouse/suite.js';
import { Refusal } from '../../support/warehouse/wire-replies.js';
import { useStores } from './support/stores.js';

// This file loads the driver before a queue does, so the queue leaves its log alone.
sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false });

const SECRET = 'tell "nobody"\\ 9e2b/ü';
const KEY = (): string =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;

/** Whatever of a secret must not be found anywhere. */
function needles(secret: string): string[] {
  const lines = secret.split('\n').filter((line) => line.length > 8 && !line.startsWith('-----'));
  const all = [secret, lines.join(''), ...lines, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)];
  return [...all, Buffer.from(secret).toString('base64')].filter((one) => one !== '');
}

/** Everything that was logged, emitted or thrown, in every form of inspection. */
class Output {
  readonly #all: unknown[] = [];
  readonly logger: Logger = {
    debug: (fields, message) => this.add(message, fields),
    info: (fields, message) => this.add(message, fields),
    warn: (fields, message) => this.add(message, fields),
    error: (fields, message) => this.add(message, fields),
  };

  add(...more: unknown[]): void {
    this.#all.push(...more);
  }

  get text(): string {
    const shown = {
      depth: Infinity,
      showHidden: true,
      maxArrayLength: null,
      maxStringLength: null,
      breakLength: Infinity,
    };
    const errors = this.#all.flatMap((one) => [...causesOf(one)]);
    return [
      inspect(this.#all, shown),
      ...errors.map(
        (error) => `${String(error)} ${(error as Error).stack} ${JSON.stringify(error)} ${inspect(error, shown)}`,
      ),
      JSON.stringify(this.#all, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
    ].join('\n');
  }
}

function* causesOf(thrown: unknown): Generator {
  for (let error = thrown; error instanceof Error; error = error.cause) yield error;
}

describeOnTestBed('a secret is never shown', { timeout: 60_000 }, () => {
  const { bed, options, place } = useStores();

  /** Everything that a queue can say, while its store opens or not, works, and fails in every way. */
  async function everything(factory: StoreFactory, secrets: readonly string[], logger = true): Promise<string> {
    const { proxy } = bed();
    const output = new Output();
    const warned = (warning: Error) => output.add(warning);
    process.on('warning', warned);
    enable('fleet-q*');
    vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
      output.add(line);
      return true;
    });
    const quoting = (route: 'login' | 'query', text: string, code: string) =>
      proxy.faults.inject({ kind: 'refused', refusal: new Refusal(code, '08001', `You sent ${text}, no.`) }, { route });
    try {
      const given: FleetQOptions = logger ? { logger: output.logger } : {};
      const queue = new FleetQ({ store: factory, ...given, steps: [] }).register('work', () => 'done') as AnyFleetQ;
      onTestFinished(() => queue.stop());
      for (const event of ['store:error', 'store:recovered', 'pod:fenced', 'step:submitted', 'step:completed'] as const)
        queue.on(event, (payload) => output.add(payload));
      output.add(factory, queue);
      const tried = (work: Promise<unknown>) =>
        work.then(
          (value) => output.add(value),
          (error: unknown) => output.add(error),
        );
      for (const secret of secrets) {
        for (const text of [secret, JSON.stringify(secret), encodeURIComponent(secret), secret.replaceAll('\n', ' ')]) {
          quoting('login', text, '390100');
          await tried(queue.start());
        }
      }
      await tried(queue.start());
      await tried(queue.submit({ type: 'work' } as never));
      for (const secret of secrets) {
        for (const code of ['390104', '001003', '000904', '390111', '22018']) {
          quoting('query', `${secret} and ${secret.split('\n')[1] ?? ''}`, code);
          await tried(queue.stats());
        }
      }
      output.add(queue.health(), inspect(queue, { depth: Infinity, showHidden: true }));
      proxy.faults.clear();
      await tried(queue.stop());
    } finally {
      disable();
      process.off('warning', warned);
      proxy.faults.clear();
    }
    return output.text;
  }

  const expectNone = (text: string, secrets: readonly string[]): void => {
    expect(text.length).toBeGreaterThan(1_000);
    for (const needle of secrets.flatMap(needles))
      expect(text.includes(needle), `found ${needle} in the output`).toBe(false);
  };
  const rightAnyway = (secret: string) => {
    bed().proxy.account.configure({ password: secret });
    onTestFinished(() => bed().proxy.account.configure({ password: 'snow' }));
  };

  test.each([true, false])('a password, right or wrong (with a logger: %s)', async (logger) => {
    rightAnyway(SECRET);
    for (const password of [SECRET, `${SECRET} wrong`]) {
      const factory = snowflake({ connection: { ...options(), password }, ...place() });
      const text = await everything(factory, [password], logger);
      expectNone(text, [password]);
      expect(text).toContain('You sent ***, no.');
    }
  });

  test('a key, as a whole, line by line and without line ends; its passphrase; invalid keys', async () => {
    const pem = KEY();
    const broken = pem.split('\n').toSpliced(3, 1).join('\n');
    for (const privateKey of [pem, broken, pem.replaceAll('\n', ''), `${SECRET}\n${SECRET}`]) {
      const connection = { ...options(), authenticator: 'SNOWFLAKE_JWT', privateKey, privateKeyPass: `${SECRET} pass` };
      const secrets = [privateKey, `${SECRET} pass`];
      expectNone(await everything(snowflake({ connection, ...place() }), secrets), secrets);
    }
  });

  test('a token, and nested fields of the options', async () => {
    const nested = { ...options(), token: `${SECRET} token`, authenticator: 'OAUTH' };
    const deep = { tls: { pins: [`${SECRET} deep`, Buffer.from(`${SECRET} bytes`)] }, accessUrl: options().accessUrl };
    const connection = { ...nested, ...deep } as ConnectionOptions;
    const secrets = [`${SECRET} token`, `${SECRET} deep`, `${SECRET} bytes`];
    expectNone(await everything(snowflake({ connection, ...place() }), secrets), secrets);
  });

  test('what a function returns or throws', async () => {
    rightAnyway(SECRET);
    const cause = new Error(`${SECRET} of the cause`);
    for (const connection of [
      () => ({ ...options(), password: SECRET }),
      () => Promise.reject(new Error(`no ${SECRET}`, { cause })),
      () => {
        throw Object.assign(new Error('no'), { config: { password: SECRET } });
      },
    ] as (() => ConnectionOptions)[]) {
      expectNone(await everything(snowflake({ connection, ...place() }), [SECRET]), [SECRET]);
    }
  });

  test('variables of the environment', async () => {
    rightAnyway(SECRET);
    const { createConnection } = sdk;
    const { database, schema } = place();
    // The variables cannot name the test bed; and its emulator wants to be in a database.
    vi.spyOn(sdk, 'createConnection').mockImplementation(((given: ConnectionOptions) =>
      createConnection({ ...given, database, schema, accessUrl: options().accessUrl! })) as typeof createConnection);
    const env = Object.entries({
      ...{ ACCOUNT: 'fakesnow', USER: 'fake', PASSWORD: SECRET, DATABASE: database, SCHEMA: schema },
      ...{ WAREHOUSE: options().warehouse, TOKEN: `${SECRET} token`, PRIVATE_KEY_PASS: `${SECRET} pass` },
    }).map(([name, value]) => [`FLEET_Q_SNOWFLAKE_${name}`, value]);
    const { storeFromEnv } = await import('../../../src/default-store.js');
    const secrets = [SECRET, `${SECRET} token`, `${SECRET} pass`];
    expectNone(await everything(storeFromEnv(Object.fromEntries(env) as Record<string, string>), secrets), secrets);
  });
});

describe('a secret of a connection', () => {
  const redacted = (connection: object, text: string): string => {
    const secrets = new Secrets();
    secrets.learn(connection);
    return secrets.redact(text);
  };

  test('is every field that is not known to be harmless, in every shape', () => {
    const connection = { account: 'acme', username: 'me', password: 'pass word', anything: { new: ['hidden'] } };
    expect(redacted(connection, 'acme me pass word pass%20word hidden')).toBe('acme me *** *** ***');
    expect(
      redacted({ privateKey: '-----BEGIN-----\nabcdefgh\r\nijklmnop\n' }, 'abcdefgh, ijklmnop, abcdefghijklmnop'),
    ).toBe('***, ***, ***');
    expect(redacted({ accessUrl: 'http://user:hidden@host' }, 'at http://user:hidden@host')).toBe(
      'at http://user:***@host',
    );
  });

  test('is found in cyclic options, and is never too short to redact', () => {
    const loop: Record<string, unknown> = { a: 'x', b: '' };
    loop['loop'] = loop;
    expect(redacted(loop, 'x marks the spot')).toBe('x marks the spot');
  });
});
