/** What is taken out of a report before it is published. */
import { expect, test } from 'vitest';
import { Secrets } from '../../src/store/snowflake/session/secrets.js';
import { Redaction } from './redaction.js';

function redaction(): Redaction {
  const secrets = new Secrets();
  secrets.learn({ account: 'acme-eu', username: 'jane', password: 'hunter2-and-more' });
  const made = new Redaction(secrets);
  for (const [kind, name] of [
    ['account', 'acme-eu'],
    ['user', 'jane'],
    ['database', 'OPS'],
    ['role', 'OPS_ROLE'],
  ] as const) {
    made.learn(kind, name);
  }
  return made;
}

test.each([
  ['Object OPS.PUBLIC.T of JANE', 'Object <database>.PUBLIC.T of <user>'],
  ['role OPS_ROLE is not OPS', 'role <role> is not <database>'],
  ['https://acme-eu.eu-central-1.snowflakecomputing.com/x', 'https://<host>/x'],
  ['xy12345.eu-central-1.snowflakecomputing.com refused', '<host> refused'],
  ['from 10.1.2.3:443', 'from <address>'],
  ['the password hunter2-and-more', 'the password ***'],
  ['janet and stops stay', 'janet and stops stay'],
])('%s', (text, expected) => {
  expect(redaction().apply(text)).toBe(expected);
});

test('reaches every text of a value', () => {
  const value = { answer: 'OPS', evidence: ['jane', 7], deep: { at: null, text: 'acme-eu' } };
  expect(redaction().applyTo(value)).toEqual({
    ...{ answer: '<database>', evidence: ['<user>', 7], deep: { at: null, text: '<account>' } },
  });
});
