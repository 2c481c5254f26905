/** Lists are split into chunks that fit one bind. */
import { expect, test } from 'vitest';
import { MAX_BIND_BYTES, bindChunks } from '../../../src/store/snowflake/bind-chunks.js';

const self = (text: string): string => text;

test('splits a list so that each chunk fits a bind, in order', () => {
  const items = Array.from({ length: 10 }, (_, i) => String(i).repeat(300_000));
  const parts = [...bindChunks(items, self, self)];
  expect(parts.flatMap((part) => part.items)).toEqual(items);
  for (const { items: own, json } of parts) {
    expect(Buffer.byteLength(json)).toBeLessThanOrEqual(MAX_BIND_BYTES + 2);
    expect(JSON.parse(json)).toEqual(own);
  }
  expect(parts).toHaveLength(4);
  expect([...bindChunks([], self, self)]).toEqual([]);
  expect([...bindChunks(['a', 'b', 'c'], self, self, 2)].map((part) => part.items.length)).toEqual([2, 1]);
});

test('counts bytes, not characters', () => {
  const parts = [...bindChunks(['ü'.repeat(300_000), 'ü'.repeat(300_000)], self, self)];
  expect(parts).toHaveLength(2);
});

test('encodes a chunk when it is needed, never a long list at once', () => {
  let encoded = 0;
  const encode = (text: string) => (encoded++, text);
  const parts = bindChunks(Array<string>(100).fill('x'.repeat(400_000)), encode, self);
  parts.next();
  expect(encoded).toBeLessThan(5);
});

test('refuses a value that fits no bind, and names it', () => {
  const tooLarge = () => [...bindChunks(['x'.repeat(1_000_000)], self, () => 'the large one')];
  expect(tooLarge).toThrow(/the large one takes 1000003 bytes/);
});
