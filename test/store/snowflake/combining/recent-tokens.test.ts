/** The tokens that a look asks for, and the claims that the pod has had. */
import { expect, test } from 'vitest';
import { RecentTokens } from '../../../../src/store/snowflake/combining/recent-tokens.js';

const claim = (stepId: string, claimToken = 't', version = 1) => ({ stepId, claimToken, version });

test('a token is asked for until two minutes after its last use, the oldest first', () => {
  const tokens = new RecentTokens();
  tokens.use('a', 0);
  tokens.use('b', 1_000);
  tokens.use('a', 2_000);
  expect(tokens.at(2_000)).toEqual(['b', 'a']);
  expect(tokens.at(121_000)).toEqual(['b', 'a']);
  expect(tokens.at(121_001)).toEqual(['a']);
  expect(tokens.at(122_001)).toEqual([]);
});

test('a token whose exchange goes on is asked for longer, one that no request carries is not', () => {
  const tokens = new RecentTokens();
  tokens.use('a', 0);
  tokens.renew('a', 150_000);
  tokens.renew('b', 150_000);
  expect(tokens.at(270_000)).toEqual(['a']);
  expect(tokens.at(270_001)).toEqual([]);
});

test('a claim is new once, by its step, token and version together', () => {
  const tokens = new RecentTokens();
  const [first, ...others] = [claim('s'), claim('s', 'u'), claim('s', 't', 2), claim('r')];
  tokens.had([first], 0);
  expect(tokens.fresh([first, ...others])).toEqual(others);
});

test('a claim is remembered for longer than its token is asked for', () => {
  const tokens = new RecentTokens();
  tokens.use('t', 0);
  tokens.had([claim('s')], 0);
  tokens.had([claim('r')], 120_001); // what is old is forgotten here
  expect(tokens.at(120_001)).toEqual([]);
  expect(tokens.fresh([claim('s')])).toEqual([]);
  tokens.had([], 240_001);
  expect(tokens.fresh([claim('s')])).toEqual([claim('s')]);
});
