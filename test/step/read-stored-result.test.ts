import { describe, expect, it } from 'vitest';
import { readError, readResult } from '../../src/step/read-stored-result.js';

describe('a stored result', () => {
  it.each([
    [null, undefined],
    ['null', null],
    ['{"a":1}', { a: 1 }],
  ])('%j is %j', (text, value) => {
    expect(readResult(text)).toEqual({ value, problem: undefined });
  });

  it.each(['', '{"rows":', 'undefined'])('that is not JSON is a problem: %j', (text) => {
    expect(readResult(text)).toEqual({
      value: undefined,
      problem: expect.objectContaining({ code: 'RESULT_UNREADABLE' }),
    });
  });

  it('does not show what it holds', () => {
    expect(JSON.stringify(readResult('secret'))).not.toContain('secret');
  });
});

describe('a stored error', () => {
  it.each([
    [null, undefined],
    ['{"name":"TypeError","message":"x","fields":{"a":1}}', { name: 'TypeError', message: 'x', fields: { a: 1 } }],
    ['"by hand"', { name: 'NonError', message: 'by hand' }],
    ['{"why":1}', { name: 'NonError', message: '{"why":1}' }],
    ['null', { name: 'NonError', message: 'null' }],
    ['{"name":', expect.objectContaining({ code: 'RESULT_UNREADABLE' })],
  ])('%j is %j', (text, error) => {
    expect(readError(text)).toEqual(error);
  });

  it('has at most eight nested causes', () => {
    let error: object = { name: 'E', message: 'the innermost' };
    for (let i = 0; i < 20; i++) error = { name: 'E', message: `${i}`, cause: error };
    let depth = 0;
    for (let at = readError(JSON.stringify(error)); at?.cause !== undefined; at = at.cause) depth++;
    expect(depth).toBe(8);
  });
});
